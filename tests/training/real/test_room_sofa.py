"""SOFA files written by another library mean the same directions and responses here."""

import h5py
import numpy as np
import pytest

from training.errors import InputError
from training.real.room_files import find_rooms
from training.real.room_sofa import read_room_sofa

sofar = pytest.importorskip("sofar")
RATE = 48000
HEADS = np.array([-60.0, 0.0, 45.0])
SPEAKERS = np.array([10.0, -100.0, 150.0, 75.0])


def save(path, convention, **values):
    """Write a SOFA file: free-field ones by sofar; others directly, because sofar writes no deprecated conventions."""
    if convention == "SimpleFreeFieldHRIR":
        sofa = sofar.Sofa(convention)
        sofa.Data_SamplingRate = RATE
        for name, value in values.items():
            setattr(sofa, name, value)
        sofar.write_sofa(str(path), sofa)
        return path
    with h5py.File(path, "w") as file:
        file.attrs["Conventions"], file.attrs["SOFAConventions"] = "SOFA", convention
        file["Data.SamplingRate"] = [float(RATE)]
        for name, value in values.items():
            variable, _, attribute = name.partition("_") if name.endswith(("_Type", "_Units")) else (name, "", "")
            if attribute:
                file[variable].attrs[attribute] = value
            else:
                file[name.replace("Data_", "Data.")] = value
    return path


def pulses(*shape):
    """Return responses (..., 2, 64) of one pulse each, and their delays."""
    delay = np.random.default_rng(0).integers(5, 50, shape)
    out = np.zeros((*shape, 64))
    np.put_along_axis(out, delay[..., None], 1.0, -1)
    return out, delay


def turned(azimuth_deg):
    a = np.deg2rad(azimuth_deg)
    return np.stack([np.cos(a), np.sin(a), np.zeros_like(a)], -1)


def test_free_field_positions_are_relative_to_the_head(ball, tmp_path):
    azimuth, responses = ball
    position = np.stack([azimuth % 360, np.full(len(azimuth), 10.0), np.full(len(azimuth), 1.5)], -1)
    path = save(tmp_path / "head.sofa", "SimpleFreeFieldHRIR", Data_IR=responses, SourcePosition=position)
    (room,) = find_rooms(path, RATE)
    np.testing.assert_allclose(room.azimuth_deg, azimuth, atol=1e-9)
    np.testing.assert_allclose(room.elevation_deg, 10.0)
    np.testing.assert_allclose(room.distance_m, 1.5)
    np.testing.assert_allclose(room.responses[4], responses[4], atol=1e-6)
    assert room.name == "head" and not room.notes


def test_exchanged_receivers_are_exchanged_back(ball, tmp_path):
    azimuth, responses = ball
    position = np.stack([azimuth % 360, np.zeros(len(azimuth)), np.ones(len(azimuth))], -1)
    (room,) = find_rooms(
        save(tmp_path / "x.sofa", "SimpleFreeFieldHRIR", Data_IR=responses[:, ::-1], SourcePosition=position), RATE
    )
    np.testing.assert_allclose(room.responses[4], responses[4], atol=1e-6)
    assert room.notes


def test_a_head_that_turns_in_a_room_has_azimuths_relative_to_it(tmp_path):
    responses, _ = pulses(3, 2)
    path = save(
        tmp_path / "hall.sofa", "SingleRoomSRIR", Data_IR=responses, Data_Delay=np.zeros((1, 2)),
        ListenerPosition=np.array([[2.0, 1.0, 1.5]]), ListenerView=turned(HEADS), ListenerUp=np.array([[0, 0, 1.0]]),
        SourcePosition=np.array([[2.0, 4.0, 1.5 + np.sqrt(3.0)]]), SourcePosition_Type="cartesian", SourcePosition_Units="metre",
        ReceiverPosition=np.array([[0, 0.09, 0], [0, -0.09, 0]])[..., None],
    )  # fmt: skip
    room = read_room_sofa(path, RATE)
    np.testing.assert_allclose(room.azimuth_deg, 90 - HEADS, atol=1e-9)  # the source is to the left of the room's x axis
    np.testing.assert_allclose(room.elevation_deg, 30.0)
    np.testing.assert_allclose(room.distance_m, np.sqrt(12.0))


def test_every_loudspeaker_and_head_of_a_multi_speaker_file_is_a_response(tmp_path):
    responses, delay = pulses(3, 2, 4)
    places = 2.5 * turned(SPEAKERS)
    path = save(
        tmp_path / "lab.sofa", "MultiSpeakerBRIR", Data_IR=responses, Data_Delay=np.zeros((1, 2, 4)),
        ListenerPosition=np.zeros((1, 3)), ListenerView=turned(HEADS), ListenerView_Type="cartesian", ListenerView_Units="metre",
        EmitterPosition=places[..., None], EmitterPosition_Type="cartesian", EmitterPosition_Units="metre",
        SourcePosition=np.zeros((1, 3)), SourcePosition_Type="cartesian", SourcePosition_Units="metre",
    )  # fmt: skip
    room = read_room_sofa(path, RATE)
    expected = (SPEAKERS[None] - HEADS[:, None] + 180) % 360 - 180
    np.testing.assert_allclose(room.azimuth_deg, expected.ravel(), atol=1e-9)
    np.testing.assert_array_equal([r.argmax(-1) for r in room.responses], delay.transpose(0, 2, 1).reshape(-1, 2))


@pytest.mark.parametrize("units", ["radian, radian, metre", "degree, degree, metre", "degree, degree, centimetre"])
def test_units_of_spherical_positions(tmp_path, units):
    """A source 60 degrees to the left and 20 up at 2 m, of a head at 1 m height that looks 30 degrees to the left."""
    angle = np.array([60.0, 20.0]) if "degree" in units else np.deg2rad([60.0, 20.0])
    length = 100.0 if "centimetre" in units else 1.0
    path = save(
        tmp_path / "hall.sofa", "SingleRoomSRIR", Data_IR=pulses(1, 2)[0], Data_Delay=np.zeros((1, 2)),
        ListenerPosition=np.zeros((1, 3)), ListenerView=turned(np.array([30.0])), ListenerUp=np.array([[0, 0, 1.0]]),
        SourcePosition=np.array([[*angle, 2.0 * length]]), SourcePosition_Type="spherical", SourcePosition_Units=units,
    )  # fmt: skip
    room = read_room_sofa(path, RATE)
    np.testing.assert_allclose([room.azimuth_deg, room.elevation_deg, room.distance_m], [[30.0], [20.0], [2.0]], atol=1e-9)


def test_free_field_positions_are_those_of_the_room_that_the_head_is_in(tmp_path):
    """As in the renderer's reader of HRTF files: a head that looks along +y has a source at +y ahead."""
    path = save(
        tmp_path / "d.sofa", "SimpleFreeFieldHRIR", Data_IR=pulses(1, 2)[0], SourcePosition=np.array([[90.0, 0, 1]]),
        ListenerView=np.array([[0.0, 1.0, 0.0]]),
    )  # fmt: skip
    np.testing.assert_allclose(read_room_sofa(path, RATE).azimuth_deg, [0.0], atol=1e-9)


def test_one_emitter_of_a_multi_speaker_file_has_its_place_too(tmp_path):
    path = save(
        tmp_path / "lab.sofa", "MultiSpeakerBRIR", Data_IR=pulses(1, 2, 1)[0], Data_Delay=np.zeros((1, 2, 1)),
        ListenerPosition=np.zeros((1, 3)), SourcePosition=np.zeros((1, 3)), SourcePosition_Type="cartesian",
        EmitterPosition=2.0 * turned(np.array([70.0]))[..., None], EmitterPosition_Type="cartesian",
    )  # fmt: skip
    np.testing.assert_allclose(read_room_sofa(path, RATE).azimuth_deg, [70.0], atol=1e-9)


def test_stored_delays_are_applied(tmp_path):
    responses, delay = pulses(1, 2)
    path = save(
        tmp_path / "d.sofa", "SimpleFreeFieldHRIR", Data_IR=responses, Data_Delay=np.array([[0.0, 7.0]]),
        SourcePosition=np.array([[90.0, 0, 1]]),
    )  # fmt: skip
    (response,) = read_room_sofa(path, RATE).responses
    np.testing.assert_array_equal(response.argmax(-1), delay[0] + [0, 7])


def spoil(path, name, value):
    with h5py.File(path, "a") as file:
        if name == "SOFAConventions":
            file.attrs[name] = np.bytes_(value)
        else:
            kind = dict(file[name].attrs)
            del file[name]
            file[name] = value
            file[name].attrs.update({k: v for k, v in kind.items() if k in ("Type", "Units")})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SOFAConventions", "GeneralFIR", "SOFA convention 'GeneralFIR'; one of"),
        ("Data.IR", np.ones((2, 3, 8)), "Data.IR of shape"),
        ("Data.SamplingRate", [1.0], "sample rate of 1 Hz"),
        ("Data.Delay", [[1e9, 0.0]], "Data.Delay"),
        ("SourcePosition", np.zeros((2, 3)), "at the place of the listener"),
        ("SourcePosition", np.full((2, 3), np.nan), "not finite"),
        ("SourcePosition", np.ones((5, 3)), "another shape"),
        ("Data.IR", np.zeros((2, 2, 8)), "is silent"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path, name, value, told):
    path = save(
        tmp_path / "bad.sofa", "SimpleFreeFieldHRIR", Data_IR=pulses(2, 2)[0], SourcePosition=np.array([[90.0, 0, 1], [0, 0, 1]])
    )
    spoil(path, name, value)
    with pytest.raises(InputError, match=told):
        find_rooms(path, RATE)


def test_a_listener_without_view_is_refused(tmp_path):
    path = save(
        tmp_path / "bad.sofa", "SingleRoomSRIR", Data_IR=pulses(2, 2)[0], Data_Delay=np.zeros((1, 2)),
        ListenerPosition=np.zeros((1, 3)), ListenerView=np.array([[1.0, 0, 0]]), ListenerUp=np.array([[0, 0, 1.0]]),
        SourcePosition=np.array([[1.0, 0, 0]]), SourcePosition_Type="cartesian", SourcePosition_Units="metre",
        ReceiverPosition=np.array([[0, 0.09, 0], [0, -0.09, 0]])[..., None],
    )  # fmt: skip
    spoil(path, "ListenerView", np.zeros((1, 3)))
    with pytest.raises(InputError, match="ListenerView has no direction"):
        find_rooms(path, RATE)


def test_a_file_that_is_no_sofa_is_refused(tmp_path):
    (tmp_path / "bad.sofa").write_text("text")
    with pytest.raises(InputError, match="not a SOFA"):
        find_rooms(tmp_path, RATE)
