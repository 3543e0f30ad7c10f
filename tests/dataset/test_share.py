"""A published folder: described for people and machines, proved, refused where it must not be published, and sent whole."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dataset.errors import DatasetError
from dataset.format.documents import sha256_of
from dataset.format.manifest import read_manifest, write_manifest
from dataset.publish import card, croissant
from dataset.publish.describe import PublicationMetadata
from dataset.reader import Dataset
from dataset.share import main, share
from dataset.storage.upload import upload
from dataset.subset import Part, subset
from dataset.verify import verify

METADATA = PublicationMetadata(
    "Attic, <barn> & cellar", ("Ada Example", "Bo Example"), "https://example.org/set", "", "1.2.0", "2026-01-31"
)
BARN = "shards/barn-0000.h5"


@pytest.fixture(scope="module")
def published(good, tmp_path_factory):
    """The good data set, shared once for all tests here; `shared` is a copy of it."""
    root = shutil.copytree(good, tmp_path_factory.mktemp("shared") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHT_AND_SOUND_CACHE", str(root.parent / "cache"))
        share(root, METADATA)
    return root


@pytest.fixture
def shared(published, tmp_path):
    return shutil.copytree(published, tmp_path / "data")


def change_manifest(root, change):
    manifest = read_manifest(root)
    change(manifest)
    write_manifest(root, manifest)


def test_everything_is_there_and_verifies(shared):
    for name in ("README.md", "croissant.json", "CITATION.cff", "preview.jpg", "SHA256SUMS", "blocks/attic-0000.sha256"):
        assert (shared / name).stat().st_size > 0, name
    assert verify(shared) == []


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_checksums_by_the_standard_tool(shared):
    assert subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=shared, check=False).returncode == 0


def test_sharing_again_gives_the_same(shared):
    before = {p: p.read_bytes() for p in shared.rglob("*") if p.is_file()}
    share(shared, METADATA)
    assert {p: p.read_bytes() for p in shared.rglob("*") if p.is_file()} == before


def test_croissant_is_valid_and_true(shared):
    mlcroissant = pytest.importorskip("mlcroissant")
    found = mlcroissant.Dataset(str(shared / "croissant.json"))
    assert found.metadata.ctx.issues.report() == ""
    assert found.metadata.ctx.is_v1_1()
    assert [dict(r) for r in found.records("splits")] == [
        {"splits/name": name, "splits/sets": 2} for name in ("train", "val", "test")
    ]
    for record in found.records("shards"):
        assert record["shards/sha256"] == sha256_of(shared / record["shards/path"])
    content = json.loads((shared / "croissant.json").read_text())
    files = {f["contentUrl"]: f for f in content["distribution"] if f["@type"] == "cr:FileObject"}
    assert files[BARN]["sha256"] == sha256_of(shared / BARN)
    assert content["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert content["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    for name in ("dataCollection", "dataBiases", "dataLimitations", "dataUseCases", "personalSensitiveInformation"):
        assert content[f"rai:{name}"], name
    rgb = next(f for r in content["recordSet"] for f in r["field"] if f["@id"] == "train/rgb")
    assert (rgb["arrayShape"], rgb["dataType"]) == ("2,24,32,3", "cr:UInt8")


def test_invalid_croissant_is_refused(shared):
    pytest.importorskip("mlcroissant")
    path = shared / "croissant.json"
    content = json.loads(path.read_text())
    del content["distribution"][1]["sha256"]
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="not valid Croissant"):
        croissant.validate(path)


def test_card_front_matter_and_contents(shared):
    yaml = pytest.importorskip("yaml")
    text = (shared / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "cc-by-4.0" and front["pretty_name"] == METADATA.title
    assert front["size_categories"] == ["n<1K"]
    assert front["configs"][0]["data_files"][1] == {"split": "val", "path": [BARN]}
    assert "<barn>" not in text.split("---\n", 2)[2].split("```bibtex")[0]  # names cannot make HTML
    for word in ("2 (V) x 24 (H) x 32 (W) x 3", "A. Builder", "KEMAR", "CC-BY-4.0", "indirect_ratio | 0.5"):
        assert word in text, word


def test_the_card_loads_on_the_hub(shared):
    hub = pytest.importorskip("huggingface_hub")
    loaded = hub.DatasetCard.load(shared / "README.md")
    assert loaded.data.license == "cc-by-4.0"


def test_citation(shared):
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((shared / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["title"] == METADATA.title and [a["name"] for a in cited["authors"]] == list(METADATA.authors)
    assert cited["type"] == "dataset" and cited["license"] == "CC-BY-4.0"


def snippets(text, word):
    found = [s for s in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in s]
    assert found, word
    return found


@pytest.mark.parametrize("word", ["import h5py", "load_dataset", "dataset.reader"])
def test_snippets_of_the_card_run_as_they_stand(shared, monkeypatch, tmp_path, capsys, word):
    if "load_dataset" in word:
        pytest.importorskip("datasets")
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.chdir(shared)
    for code in snippets(Path("README.md").read_text(), word):
        exec(compile(code, word, "exec"), {})
    assert "attic" in capsys.readouterr().out


def test_hugging_face_gets_the_splits_from_the_card(shared, tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = datasets.load_dataset(str(shared), cache_dir=str(tmp_path / "hf"))
    assert {name: list(part["set_id"]) for name, part in rows.items()} == {
        "train": ["attic/0", "attic/1"], "val": ["barn/0", "barn/1"], "test": ["cellar/0", "cellar/1"],
    }  # fmt: skip


def test_a_damaged_set_is_not_published(data, capsys):
    content = bytearray((data / BARN).read_bytes())
    content[len(content) // 2] ^= 1
    (data / BARN).write_bytes(content)
    assert main([str(data)]) == 2
    error = capsys.readouterr().err
    assert "must not be published" in error and f"{BARN}: its SHA-256" in error
    assert not (data / "README.md").exists()


@pytest.mark.parametrize(
    ("credit", "reason"),
    [
        ("HM3D 00009", "scans"),
        ("mine, all rights reserved", "forbid"),
        ("CC BY-ND 4.0", "derived"),
        ("found somewhere", "not known"),
    ],
)
def test_sources_that_forbid_it(data, capsys, credit, reason):
    change_manifest(data, lambda m: m["scene_credits"].update(attic=credit))
    assert main([str(data)]) == 2
    error = capsys.readouterr().err
    assert "must not be published" in error and "attic" in error and reason in error
    assert ("--licence-of" in error) == (reason == "not known")


def test_a_licence_named_by_the_publisher(data):
    change_manifest(data, lambda m: m["scene_credits"].update(attic="found somewhere"))
    assert main([str(data), "--licence-of", "attic=CC BY-SA 4.0, by its builder"]) == 0
    text = (data / "README.md").read_text()
    assert "by its builder" in text and "license: cc-by-sa-4.0" in text


def test_what_was_said_need_not_be_said_again(data, tmp_path):
    change_manifest(data, lambda m: m["scene_credits"].update(attic="found somewhere"))
    said = ["--title", "Three rooms", "--author", "Ada", "--about", "All of it.", "--date", "2026-01-31"]
    assert main([str(data), *said, "--licence-of", "attic=CC BY-SA 4.0, by its builder"]) == 0
    before = (data / "README.md").read_text()
    assert main([str(data), "--to", str(tmp_path / "mirror")]) == 0
    assert (data / "README.md").read_text() == before == (tmp_path / "mirror" / "README.md").read_text()
    assert "# Three rooms" in before and "All of it." in before and "Version 1.0.0, 2026-01-31" in before
    assert main([str(data), "--version", "1.1.0", "--author", "Bo", "--about", ""]) == 0
    after = (data / "README.md").read_text()
    assert "# Three rooms" in after and "author = {Bo}" in after and "All of it." not in after
    assert "Version 1.1.0" in after and "2026-01-31" not in after
    part = subset(data, tmp_path / "part", Part(sets=1))
    assert "published" not in part


def test_a_swapped_file_is_found(shared):
    (shared / "README.md").write_text("another card")
    assert verify(shared) == [
        "README.md: its SHA-256 is not that of SHA256SUMS: damaged or replaced; copy it, or share the data set, again"
    ]
    (shared / "CITATION.cff").unlink()
    assert any(p.startswith("CITATION.cff: missing") for p in verify(shared))


def test_checksums_that_point_outside(shared):
    with open(shared / "SHA256SUMS", "a") as file:
        file.write("0" * 64 + "  ../../etc/passwd\n")
    with pytest.raises(DatasetError, match="outside its folder"):
        verify(shared)


def test_through_s3_and_back(data, bucket, tmp_path, capsys):
    to = f"{bucket}/deep/set"
    assert main([str(data), "--author", "Ada", "--to", to]) == 0
    assert "files sent, 0 were there" in capsys.readouterr().out
    assert verify(to) == []
    assert [one["set_id"] for one in Dataset(to, split="val", fields=["set_id"])] == ["barn/0", "barn/1"]
    s3fs = pytest.importorskip("s3fs")
    s3fs.S3FileSystem().get(to.removeprefix("s3://"), str(tmp_path / "back"), recursive=True)
    assert verify(tmp_path / "back") == []
    assert f'"{to}"' in (tmp_path / "back" / "CITATION.cff").read_text()


def test_an_upload_goes_on_where_it_stopped(shared, tmp_path):
    names = ["shards/attic-0000.h5", BARN, "manifest.json"]
    to = str(tmp_path / "there")
    assert upload(shared, names[:1], to) == (1, 0)
    assert upload(shared, names, to) == (2, 1)
    (tmp_path / "there" / BARN).write_bytes(b"cut off")
    assert upload(shared, names, to) == (1, 2)
    (shared / BARN).write_bytes(bytes(reversed((shared / BARN).read_bytes())))  # the same size, other content
    assert upload(shared, names, to) == (1, 2)
    assert (tmp_path / "there" / BARN).read_bytes() == (shared / BARN).read_bytes()
    assert not list((tmp_path / "there").rglob("*.part"))


def test_a_place_that_takes_nothing(shared, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(DatasetError, match=r"cannot be sent.*run the command again"):
        upload(shared, ["manifest.json"], "/proc/nowhere")
    with pytest.raises(DatasetError, match=r"cannot be opened .*check the address"):
        upload(shared, ["manifest.json"], "gopher://old/set")


def test_the_hub_gets_the_published_files_alone(data, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    calls = []
    monkeypatch.setattr(hub.HfApi, "create_repo", lambda self, name, **more: calls.append((name, more)))
    monkeypatch.setattr(hub.HfApi, "upload_folder", lambda self, **more: calls.append(more))
    (data / "private.txt").write_text("not for you")
    assert main([str(data), "--to", "hf://datasets/ada/rooms"]) == 0
    (name, repo), sent = calls
    assert name == "ada/rooms" and repo["repo_type"] == "dataset"
    assert sent["folder_path"] == data and BARN in sent["allow_patterns"] and "private.txt" not in sent["allow_patterns"]
    assert main([str(data), "--to", "hf://datasets/rooms"]) == 2


def test_wrong_use(tmp_path, data, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([str(data), "--licence-of", "clips"]) == 2
    assert "WHAT=LICENCE" in capsys.readouterr().err
    write_manifest(tmp_path, {"shards": []})
    assert main([str(tmp_path)]) == 2


@pytest.mark.parametrize(("sets", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (5_000_000, "1M<n<10M"), (10**8, "n>10M")])
def test_size_categories(sets, category):
    assert card._size(sets) == category
