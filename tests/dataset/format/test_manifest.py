"""manifest.json: written whole, and refused with a clear word when it cannot be trusted."""

import contextlib
import json
import shutil

import h5py
import numpy as np
import pytest

from dataset.convert import main as convert
from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.manifest import OPTIONAL, manifest_text, parse_manifest, read_manifest, write_manifest
from dataset.info import main as info
from dataset.merge import main as merge
from dataset.reader import Dataset
from dataset.verify import main as verify


def test_it_describes_every_shard(data):
    shards = read_manifest(data)["shards"]
    assert [(s["path"], s["scene"], s["split"], s["sets"]) for s in shards] == [
        ("shards/attic-0000.h5", "attic", "train", 2),
        ("shards/barn-0000.h5", "barn", "val", 2),
        ("shards/cellar-0000.h5", "cellar", "test", 2),
    ]
    for shard in shards:
        assert shard["bytes"] == (data / shard["path"]).stat().st_size


def test_sha256_by_the_standard(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, example B.1
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        ('{"format": "other"}', "'other'; 'sight-and-sound' is expected"),
        ('{"format": "sight-and-sound", "format_version": "2.1", "shards": []}', "2.1.*use the version that wrote it"),
        ('{"format": "sight-and-sound", "format_version": "new", "shards": []}', "'new'"),
        ('{"format": "sight-and-sound", "format_version": "1.0", "shards": [3]}', "damaged"),
        ('{"format": "sight-and-sound", "format_version": "1.0", "shards": [{"path": "x"}]}', "lacks bytes"),
        (
            '{"format": "sight-and-sound", "format_version": "1.1", "shards": [], "hrtf_files": [{}]}',
            "HRTF file 0 is damaged.*name",
        ),
    ],
)
def test_unusable_manifests(tmp_path, text, message):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_manifest(tmp_path)


def test_a_failed_write_keeps_the_old_one(data):
    before = (data / "manifest.json").read_bytes()
    with pytest.raises(TypeError):
        write_manifest(data, {"shards": [object()]})
    assert (data / "manifest.json").read_bytes() == before
    assert sorted(p.name for p in data.iterdir()) == ["manifest.json", "shards"]


def test_a_later_minor_version_is_read(data):
    content = json.loads((data / "manifest.json").read_text())
    (data / "manifest.json").write_text(json.dumps({**content, "format_version": "1.7"}))
    assert len(read_manifest(data)["shards"]) == 3


def test_info_tells_what_is_there(data, capsys):
    assert info([str(data)]) == 0
    out = capsys.readouterr().out
    for word in ("6 sets in 3 shards", "attic (2)", "brir_indirect", "(2, 2, 2, 1600)", "degrees", "noise: CC0"):
        assert word in out, word


def test_info_with_unknown_decay_times(tmp_path, make_data, capsys):
    def some_unknown(one):
        one["rt60"] = np.where(np.arange(one["rt60"].size).reshape(one["rt60"].shape) % 2, np.float32(np.nan), one["rt60"])

    assert info([str(make_data(tmp_path / "some", some_unknown))]) == 0
    assert "median 0.10" in next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("rt60 ") and "|" in line
    )
    assert info([str(make_data(tmp_path / "all", lambda one: one.update(rt60=np.full_like(one["rt60"], np.nan))))]) == 0


def test_info_of_nothing(tmp_path, capsys):
    assert info([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    write_manifest(tmp_path, {"shards": []})
    assert info([str(tmp_path)]) == 0
    assert "no sets" in capsys.readouterr().out


SHARD = {
    "path": "shards/attic-0000.h5", "bytes": 7, "sha256": "ab" * 32, "scene": "attic", "scene_sha256": "cd" * 32,
    "split": "train", "sets": 2, "blocks": {"path": "blocks/attic-0000.sha256", "bytes_each": 262144, "sha256": "ef" * 32},
}  # fmt: skip


def manifest_with(shard=None, **more):
    content = {"format": "sight-and-sound", "format_version": "1.0", "shards": [SHARD if shard is None else shard], **more}
    return json.dumps(content)


def test_a_good_one_is_read():
    assert parse_manifest(manifest_with(), "m")["shards"] == [SHARD]


@pytest.mark.parametrize(
    "digest", ["../../../home/user/thesis.tex", "ab" * 31, "AB" * 32, "ab" * 32 + "\n", "/etc/passwd", "", "0x" + "a" * 62]
)
@pytest.mark.parametrize("place", ["sha256", "scene_sha256", "blocks"])
def test_digests_are_64_hexadecimal_digits(digest, place):
    shard = {**SHARD, "blocks": {**SHARD["blocks"], "sha256": digest}} if place == "blocks" else {**SHARD, place: digest}
    with pytest.raises(DatasetError, match="64 hexadecimal digits are expected"):
        parse_manifest(manifest_with(shard), "m")


def test_a_manifest_cannot_delete_files_here(data, tmp_path):
    """The cache deletes a file under the name of a digest whose content is another's."""
    fsspec = pytest.importorskip("fsspec")
    (tmp_path / "thesis.tex").write_text("years of work")
    content = json.loads((data / "manifest.json").read_text())
    for shard in content["shards"]:
        shard["blocks"] = {**SHARD["blocks"], "sha256": str(tmp_path / "thesis.tex")}
    fsspec.filesystem("memory").store.clear()
    fsspec.filesystem("memory").pipe_file("/set/manifest.json", json.dumps(content).encode())
    with pytest.raises(DatasetError, match="64 hexadecimal digits"):
        Dataset("memory://set")[0]
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


WRONG = [None, 7, 0.5, "text", [], {}, True, [[]], {"a": []}]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_values_of_other_types_are_refused_or_harmless(value):
    for key in SHARD:
        with contextlib.suppress(DatasetError):
            parsed = parse_manifest(manifest_with({**SHARD, key: value}), "m")["shards"][0]
            assert type(parsed[key]) is type(SHARD[key])
    for key in SHARD["blocks"]:
        with contextlib.suppress(DatasetError):
            parsed = parse_manifest(manifest_with({**SHARD, "blocks": {**SHARD["blocks"], key: value}}), "m")["shards"][0]
            assert type(parsed["blocks"][key]) is type(SHARD["blocks"][key])
    for key, kind in OPTIONAL.items():
        with contextlib.suppress(DatasetError):
            assert type(parse_manifest(manifest_with(**{key: value}), "m")[key]) is kind
    for key in ("format", "format_version", "shards"):
        with contextlib.suppress(DatasetError):
            parse_manifest(json.dumps({**json.loads(manifest_with()), key: value}), "m")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sets": -1}, "sets is -1"),
        ({"bytes": 10**30}, "bytes is 1000"),
        ({"sets": True}, "sets is a bool; a int is expected"),
        ({"path": "shards/a\0.h5"}, "outside its folder"),
        *(
            ({key: name}, "no file name")
            for key in ("scene", "split")
            for name in ("", "a\0b", "..", "../x", "/x", "a\\b", "a/b")
        ),
        ({"blocks": {**SHARD["blocks"], "bytes_each": 0}}, "bytes_each is 0"),
        ({"blocks": {**SHARD["blocks"], "path": "../x"}}, "outside its folder"),
        ({"blocks": {}}, "lacks path"),
    ],
)
def test_values_that_cannot_be(change, message):
    with pytest.raises(DatasetError, match=message):
        parse_manifest(manifest_with({**SHARD, **change}), "m")


@pytest.mark.parametrize("key", ["scene", "split"])
def test_no_command_writes_outside_its_folder(key, data, tmp_path, capsys):
    """Merged shards are named after scenes, tars and lists after splits."""
    copies = [shutil.copytree(data, tmp_path / name) for name in ("one", "two")]
    for number, copy in enumerate(copies):
        content = json.loads((copy / "manifest.json").read_text())
        for entry in content["shards"]:
            with h5py.File(copy / entry["path"], "r+") as file:
                changed = {key: "../../outside", "scene_sha256": f"{number}" * 64}
                file.attrs.update(changed)
            shard = copy / entry["path"]
            entry.update(changed, bytes=shard.stat().st_size, sha256=sha256_of(shard))
        (copy / "manifest.json").write_text(json.dumps(content))
    before = sorted(tmp_path.rglob("*"))
    out = str(tmp_path / "a" / "b" / "out")
    for command, arguments in (
        (merge, [*map(str, copies), "--out", out]),
        (convert, [str(copies[0]), "--to", "webdataset", "--out", out]),
        (convert, [str(copies[0]), "--to", "slfm", "--out", out]),
    ):
        assert command(arguments) == 2
        assert "no file name" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_deep_json_is_refused(tmp_path, capsys):
    (tmp_path / "manifest.json").write_text('{"shards":' + "[" * 200_000)
    assert info([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


def test_a_nul_in_a_path(capsys):
    assert info(["data\0/slfm"]) == 2
    assert "NUL" in capsys.readouterr().err


def test_a_manifest_without_settings(data, capsys):
    content = json.loads((data / "manifest.json").read_text())
    del content["settings"]
    (data / "manifest.json").write_text(json.dumps(content))
    for command in ([info, str(data)], [verify, str(data)], [merge, str(data), str(data), "--out", str(data.parent / "out")]):
        assert command[0](command[1:]) == 0, capsys.readouterr()


def test_the_text_is_json_with_a_line_for_each_shard():
    content = {"shards": [{"path": "a\nb"}, {"path": "c"}], "none": [], "settings": {"a": {"b": [1, 2]}}}
    text = manifest_text(content)
    assert {k: v for k, v in json.loads(text).items() if k not in ("format", "format_version")} == content
    assert [line for line in text.splitlines() if "path" in line] == ['  {"path": "a\\nb"},', '  {"path": "c"}']
