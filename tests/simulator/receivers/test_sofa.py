"""Valid SOFA files of any grid and rate are read; others are refused with a message of one line."""

import h5py
import numpy as np
import pytest

from dataset.angles import direction
from simulator.errors import InputError
from simulator.receivers.hrtf import load_ears
from simulator.receivers.sofa import BUNDLED, read_sofa


def write(path, azimuth=None, rate=48000.0, convention="SimpleFreeFieldHRIR", change=None, n=96):
    """Write a small SOFA file whose responses are pulses, later and weaker at the ear turned away."""
    azimuth = np.arange(0.0, 360, 15) if azimuth is None else azimuth
    elevation = np.repeat([-30.0, 0.0, 40.0], len(azimuth))
    azimuth = np.tile(azimuth, 3)
    side = np.sin(np.deg2rad(azimuth)) * np.cos(np.deg2rad(elevation))
    responses = np.zeros((len(azimuth), 2, n))
    for ear, sign in enumerate((1, -1)):
        responses[np.arange(len(azimuth)), ear, np.rint(30 - 12 * sign * side).astype(int)] = 1 + 0.5 * sign * side
    with h5py.File(path, "w") as file:
        file.attrs["Conventions"] = "SOFA"
        file.attrs["SOFAConventions"] = convention
        file.attrs["DatabaseName"] = "made up"
        file["Data.IR"] = responses
        file["Data.SamplingRate"] = [rate]
        file["Data.Delay"] = np.zeros((1, 2))
        file["SourcePosition"] = np.stack([azimuth, elevation, np.full(len(azimuth), 1.2)], -1)
        file["SourcePosition"].attrs["Type"] = "spherical"
        file["ReceiverPosition"] = np.array([[0, 0.09, 0], [0, -0.09, 0]])[..., None]
        file["ReceiverPosition"].attrs["Type"] = "cartesian"
        if change:
            change(file)
    return path


def replace(file, name, value):
    kind = dict(file[name].attrs)
    del file[name]
    file[name] = value
    file[name].attrs.update(kind)


@pytest.mark.parametrize("rate", [16000.0, 44100.0, 48000.0, 96000.0])
@pytest.mark.parametrize("step", [15.0, 40.0])
def test_other_rates_and_grids_are_accepted(tmp_path, rate, step):
    path = write(tmp_path / "head.sofa", np.arange(0.0, 360, step), rate)
    ears = load_ears(path, 16000)
    _, delay = ears.paths(direction(np.array([70.0, -70.0]), np.zeros(2)))
    assert delay[0, 0] < delay[0, 1]
    assert delay[1, 0] > delay[1, 1]
    (gain,), _ = ears.bands(direction(np.array([90.0]), np.zeros(1)))
    assert (gain[0] > gain[1]).all()


def test_directions_are_in_our_frame(tmp_path):
    head = read_sofa(write(tmp_path / "head.sofa"))
    left = head.responses[head.directions @ np.array([-1.0, 0, 0]) > 0.99]
    assert (left[:, 0].argmax(-1) < left[:, 1].argmax(-1)).all()


def test_cartesian_positions_mean_the_same(tmp_path):
    def cartesian(file):
        a, e, r = np.deg2rad(file["SourcePosition"][:, 0]), np.deg2rad(file["SourcePosition"][:, 1]), 1.2
        position = r * np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], -1)
        replace(file, "SourcePosition", position)
        file["SourcePosition"].attrs["Type"] = "cartesian"

    spherical = read_sofa(write(tmp_path / "a.sofa"))
    other = read_sofa(write(tmp_path / "b.sofa", change=cartesian))
    assert other.directions == pytest.approx(spherical.directions, abs=2e-6)
    assert (other.responses == spherical.responses).all()


def in_the_room(turn_deg, place=(0.0, 0.0, 0.0), up=(0.0, 0.0, 1.0), spherical=False):
    """Give the change that turns the head to the left, moves it, and stores the same sources in the frame of the room."""

    def change(file):
        a, e = np.deg2rad(file["SourcePosition"][:, 0]), np.deg2rad(file["SourcePosition"][:, 1])
        own = 1.2 * np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], -1)
        turn = np.deg2rad(turn_deg)
        ahead = np.array([np.cos(turn), np.sin(turn), 0.0])
        axes = np.stack([ahead, np.cross(up, ahead), up])
        replace(file, "SourcePosition", own @ axes + place)
        file["SourcePosition"].attrs["Type"] = "cartesian"
        file["ListenerView"] = [[turn_deg % 360, 0.0, 1.0]] if spherical else np.tile(ahead, (len(own), 1))
        file["ListenerView"].attrs["Type"] = "spherical" if spherical else "cartesian"
        file["ListenerUp"] = [up]
        file["ListenerPosition"] = [place]

    return change


@pytest.mark.parametrize(
    "change",
    [
        in_the_room(30),
        in_the_room(180),
        in_the_room(-90, (2.0, 0.5, 1.3)),
        in_the_room(70, spherical=True),
        in_the_room(40, up=(0.0, 0.0, -1.0)),
    ],
)
def test_sources_are_where_the_listener_hears_them(tmp_path, change):
    plain, room = read_sofa(write(tmp_path / "a.sofa")), read_sofa(write(tmp_path / "b.sofa", change=change))
    assert room.directions == pytest.approx(plain.directions, abs=2e-6)
    assert (room.responses == plain.responses).all()
    assert not room.notes


def test_angles_in_radians_mean_the_same(tmp_path):
    def radians(file):
        replace(file, "SourcePosition", file["SourcePosition"][()] * [np.pi / 180, np.pi / 180, 1])
        file["SourcePosition"].attrs["Units"] = "radian, radian, metre"

    plain, other = read_sofa(write(tmp_path / "a.sofa")), read_sofa(write(tmp_path / "b.sofa", change=radians))
    assert (other.directions == plain.directions).all() and (other.responses == plain.responses).all()


@pytest.mark.parametrize("units", ["degree, degree, metre", "radian, radian, metre"])
def test_spherical_receivers_in_any_unit(tmp_path, units):
    """Receiver 0 at 100 degrees to the left; as many radians would be 330 degrees to the right."""

    def spherical(file):
        angle = np.array([100.0, -100.0]) if "degree" in units else np.deg2rad([100.0, -100.0])
        replace(file, "ReceiverPosition", np.stack([angle, [0, 0], [0.09, 0.09]], -1)[..., None])
        file["ReceiverPosition"].attrs.update({"Type": "spherical", "Units": units})

    assert not read_sofa(write(tmp_path / "a.sofa", change=spherical)).notes


def test_other_coordinates_are_refused(tmp_path):
    path = write(tmp_path / "a.sofa", change=lambda f: f["SourcePosition"].attrs.update({"Type": "spherical harmonics"}))
    with pytest.raises(InputError, match="SourcePosition has the type 'spherical harmonics'; cartesian or spherical is expected"):
        read_sofa(path)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_distances_the_farther_counts(tmp_path, order):
    def near(file):
        far = {name: file[name][()] for name in ("Data.IR", "SourcePosition")}
        replace(file, "Data.IR", np.concatenate([far["Data.IR"], np.roll(far["Data.IR"], 3, -1)][::order]))
        replace(file, "SourcePosition", np.concatenate([far["SourcePosition"], far["SourcePosition"] * [1, 1, 0.2]][::order]))

    plain, both = read_sofa(write(tmp_path / "a.sofa")), read_sofa(write(tmp_path / "b.sofa", change=near))
    assert (both.directions == plain.directions).all() and (both.responses == plain.responses).all()
    assert "72 responses of nearer sources left out" in both.notes[0]


def test_ears_given_right_first_are_put_left_first(tmp_path):
    def swapped(file):
        replace(file, "Data.IR", file["Data.IR"][()][:, ::-1])
        replace(file, "ReceiverPosition", file["ReceiverPosition"][()][::-1])

    straight, crossed = read_sofa(write(tmp_path / "a.sofa")), read_sofa(write(tmp_path / "b.sofa", change=swapped))
    assert (straight.responses == crossed.responses).all()


def exchanged(file):
    """Say that receiver 0 is on the right, and leave the responses alone, as some conversions do."""
    replace(file, "ReceiverPosition", file["ReceiverPosition"][()] * [[[1], [-1], [1]]])


def test_responses_decide_where_receiver_positions_contradict_them(tmp_path):
    straight, wrong = read_sofa(write(tmp_path / "a.sofa")), read_sofa(write(tmp_path / "b.sofa", change=exchanged))
    assert (straight.responses == wrong.responses).all()
    assert not straight.notes
    assert "ReceiverPosition names channel 1 as the left ear, the responses show channel 0" in wrong.notes[0]


def test_the_bundled_head_stays_as_it_is_with_receiver_positions_exchanged(tmp_path):
    path = tmp_path / "kemar.sofa"
    path.write_bytes(BUNDLED.read_bytes())
    with h5py.File(path, "r+") as file:
        exchanged(file)
    bundled, wrong = read_sofa(BUNDLED), read_sofa(path)
    assert (bundled.responses == wrong.responses).all()
    assert not bundled.notes
    assert len(wrong.notes) == 1
    left = wrong.responses[wrong.directions @ np.array([-1.0, 0, 0]) > 0.99]
    assert ((left[:, 0] ** 2).sum(-1) > 2 * (left[:, 1] ** 2).sum(-1)).all()


def test_receivers_in_the_median_plane_say_nothing(tmp_path):
    head = read_sofa(write(tmp_path / "head.sofa", change=lambda f: replace(f, "ReceiverPosition", np.zeros((2, 3, 1)))))
    assert not head.notes


def test_arrival_or_level_alone_is_enough(tmp_path):
    def equal_levels(file):
        responses = file["Data.IR"][()]
        replace(file, "Data.IR", responses / np.abs(responses).max(-1, keepdims=True))

    def equal_arrivals(file):
        responses = file["Data.IR"][()]
        replace(file, "Data.IR", np.abs(responses).max(-1, keepdims=True) * (np.arange(96) == 30))

    for k, change in enumerate((equal_levels, equal_arrivals)):
        for later in (lambda file: None, exchanged):
            head = read_sofa(write(tmp_path / f"{k}.sofa", change=lambda f, c=change, e=later: (c(f), e(f))))
            left = head.responses[head.directions @ np.array([-1.0, 0, 0]) > 0.99]
            energy, first = (left**2).sum(-1), left.argmax(-1)
            assert (energy[:, 0] > energy[:, 1]).all() or (first[:, 0] < first[:, 1]).all()


@pytest.mark.parametrize("delay", [(3.0, 7.0), (-2.0, 2.0)])
def test_delays_kept_apart_are_put_back(tmp_path, delay):
    def delayed(file):
        replace(file, "Data.Delay", np.array([delay]))

    plain, late = read_sofa(write(tmp_path / "a.sofa")), read_sofa(write(tmp_path / "b.sofa", change=delayed))
    moved = late.responses.argmax(-1) - plain.responses.argmax(-1)
    assert (moved[:, 1] - moved[:, 0] == 4).all()


def test_a_direction_given_twice_counts_once(tmp_path):
    head = read_sofa(write(tmp_path / "head.sofa", np.array([*np.arange(0.0, 360, 30), 0.0])))
    assert len(head.directions) == 36


def nan(file):
    file["Data.IR"][3, 1, 20] = np.nan


def silent(file):
    file["Data.IR"][5] = 0


def one_ear(file):
    replace(file, "Data.IR", file["Data.IR"][:, :1])


def missing(file):
    del file["SourcePosition"]


def few(file):
    for name in ("Data.IR", "SourcePosition"):
        replace(file, name, file[name][:5])


def wrong_axes(file):
    replace(file, "Data.IR", file["Data.IR"][:10])


def no_rate(file):
    replace(file, "Data.SamplingRate", [0.0])


def one_receiver(file):
    replace(file, "ReceiverPosition", file["ReceiverPosition"][:1])


def three_delays(file):
    replace(file, "Data.Delay", np.zeros((1, 3)))


def text_instead_of_samples(file):
    del file["Data.IR"]
    file["Data.IR"] = "no samples"


def looks_up_along_its_axis(file):
    file["ListenerView"] = [[0.0, 0.0, 1.0]]


def azimuth_alone(file):
    replace(file, "SourcePosition", file["SourcePosition"][:, :1])


def same_at_both_ears(file):
    replace(file, "Data.IR", file["Data.IR"][()][:, [0, 0]])


def later_at_the_louder_ear(file):
    replace(file, "Data.IR", file["Data.IR"][()][..., ::-1])


def late(file):
    replace(file, "Data.Delay", np.array([[0.0, 1e9]]))


def endless_delay(file):
    replace(file, "Data.Delay", np.array([[0.0, np.nan]]))


def one_hertz(file):
    replace(file, "Data.SamplingRate", [1.0])


def terahertz(file):
    replace(file, "Data.SamplingRate", [1e12])


def huge(file):
    """Declare 2 TB of responses, none of which is stored."""
    del file["Data.IR"]
    file.create_dataset("Data.IR", (72, 2, 2**31), "f8", chunks=(1, 1, 1024))


BROKEN = [nan, silent, one_ear, missing, few, wrong_axes, no_rate, one_receiver, three_delays, same_at_both_ears]
BROKEN += [later_at_the_louder_ear, looks_up_along_its_axis, late, endless_delay, one_hertz, terahertz, huge]


@pytest.mark.parametrize("change", [*BROKEN, text_instead_of_samples, azimuth_alone], ids=lambda c: c.__name__)
def test_a_file_that_is_something_else_is_refused_in_one_line(tmp_path, change):
    path = write(tmp_path / "head.sofa", change=change)
    with pytest.raises(InputError, match=r"^[^\n]*head\.sofa[^\n]*$"):
        read_sofa(path)


def test_another_convention_is_named(tmp_path):
    path = write(tmp_path / "room.sofa", convention="SingleRoomDRIR")
    with pytest.raises(InputError, match=r"SingleRoomDRIR.*SimpleFreeFieldHRIR is expected; export it as such"):
        read_sofa(path)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"does not exist.*--hrtf"):
        read_sofa(tmp_path / "nowhere.sofa")


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"\x89HDF\r\n\x1a\n" + b"\0" * 40])
def test_a_file_that_is_not_hdf5_is_refused(tmp_path, content):
    path = tmp_path / "head.sofa"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not a SOFA \(HDF5\) file"):
        read_sofa(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"^[^\n]*$"):
        read_sofa(tmp_path)
