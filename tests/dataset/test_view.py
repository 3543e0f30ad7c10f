"""The page: whole, from nowhere else, with names that stay names, and geometry that agrees with the data set's."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import h5py
import numpy as np
import pytest

from dataset.angles import azimuth, elevation
from dataset.geometry import Pinhole
from dataset.view import main
from dataset.viewer.floor_plan import points
from dataset.viewer.page import PAGES, SCRIPTS, embeddable

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;'


class Parsed(HTMLParser):
    """A page's tags, and the text of its scripts by id ("" for what runs)."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.scripts, self._open = [], {}, None
        self.feed(Path(path).read_text())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "script":
            self._open = dict(attributes).get("id", "")
            assert self._open not in self.scripts
            self.scripts[self._open] = ""

    def handle_endtag(self, tag):
        self._open = None if tag == "script" else self._open

    def handle_data(self, text):
        if self._open is not None:
            self.scripts[self._open] += text


HOSTILE_SCENE = HOSTILE.replace("/", "")
"""Names of scenes are file names, without slashes."""


@pytest.fixture
def hostile(tmp_path, make_set, make_shard, make_manifest):
    """Give a data set whose folder, scene, set and clip are named by someone who means ill."""
    root = tmp_path / "<b>set & co"
    one = {**make_set("attic", 0), "set_id": HOSTILE, "clips": json.dumps([{"clip": HOSTILE}, {"clip": HOSTILE}])}
    with h5py.File(make_shard(root, "attic", [one]), "r+") as shard:
        shard.attrs["scene"] = HOSTILE_SCENE
    make_manifest(root)
    return root


def test_the_page_holds_every_set_and_nothing_from_elsewhere(data, capsys):
    assert main([str(data)]) == 0
    assert "6 of 6 sets" in capsys.readouterr().out
    parsed = Parsed(data / "view.html")
    index = json.loads(parsed.scripts["index"])
    assert [name for _, _, name in index["sets"]] == [f"{scene}/{k}" for scene in ("attic", "barn", "cellar") for k in range(2)]
    assert [index["scenes"][s] for s, _, _ in index["sets"]] == ["attic"] * 2 + ["barn"] * 2 + ["cellar"] * 2
    blocks = {name: json.loads(text) for name, text in parsed.scripts.items() if name}
    assert set(blocks) == {"index", *(f"{k}-{n}" for k in ("facts", "sound") for n in range(6)), *(f"plan-{n}" for n in range(3))}
    assert [blocks[f"facts-{n}"]["set"] for n in range(6)] == [name for _, _, name in index["sets"]]
    links = [value for _, attributes in parsed.tags for name, value in attributes.items() if name in ("src", "href")]
    assert links == ["data:,"]
    assert "://" not in parsed.scripts[""]


def test_only_the_pages_own_script_and_style_may_run(data):
    main([str(data)])
    parsed = Parsed(data / "view.html")
    policy = next(a["content"] for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(parsed.scripts[""].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy and "default-src 'none'" in policy and "connect-src 'none'" in policy
    assert "unsafe" not in policy


def test_few_sets_are_spread_over_the_scenes(data, tmp_path):
    assert main([str(data), "--sets", "3", "--out", str(tmp_path / "few.html")]) == 0
    index = json.loads(Parsed(tmp_path / "few.html").scripts["index"])
    assert [scene for scene, _, _ in index["sets"]] == [0, 1, 2] and index["total"] == 6


def test_a_split_can_be_shown_alone(data, tmp_path):
    assert main([str(data), "--split", "val", "--out", str(tmp_path / "val.html")]) == 0
    index = json.loads(Parsed(tmp_path / "val.html").scripts["index"])
    assert index["scenes"] == ["barn"] and {index["splits"][s] for _, s, _ in index["sets"]} == {"val"}


def test_names_stay_names(hostile):
    assert main([str(hostile)]) == 0
    parsed = Parsed(hostile / "view.html")
    assert json.loads(parsed.scripts["index"])["scenes"] == [HOSTILE_SCENE]
    assert json.loads(parsed.scripts["facts-0"])["clips"] == [HOSTILE] * 2
    assert sum(tag == "script" and "id" not in a for tag, a in parsed.tags) == 1
    assert not {"img", "b"} & {tag for tag, _ in parsed.tags}
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)


@pytest.mark.parametrize("text", [HOSTILE, "<!--<script>", "\u2028\u2029", "{{script}}", "ends in \\"])
def test_embedded_json_is_the_same_and_has_no_markup(text):
    embedded = embeddable({"name": text})
    assert json.loads(embedded) == {"name": text}
    assert not re.search("[<>&\u2028]", embedded)


def test_a_damaged_shard_leaves_no_page(data, capsys):
    shard = data / "shards" / "barn-0000.h5"
    shard.write_bytes(shard.read_bytes()[:-100])
    assert main([str(data)]) == 2
    assert "barn-0000.h5" in capsys.readouterr().err
    assert not list(data.glob("*view.html*"))


@pytest.mark.parametrize(
    "options", [["--sets", "0"], ["--out", "/dev/null/x.html"], ["--serve", "--out", "x"], ["--serve", "--port", "-1"]]
)
def test_wrong_use_is_one_line(data, capsys, options):
    assert main([str(data), *options]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("error: ")


def test_a_missing_folder_is_named_as_given(data, tmp_path, capsys):
    out = tmp_path / "gone" / "show.html"
    assert main([str(data), "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"error: the folder of --out {out} does not exist; make it first\n"


def test_the_pages_parts_are_installed():
    root = Path(__file__).resolve().parents[2]
    listed = re.search(r"^dataset = \[(.*)\]$", (root / "pyproject.toml").read_text(), re.M)[1]
    found = {path.name for pattern in re.findall(r'"(.*?)"', listed) for path in (root / "dataset").glob(pattern)}
    assert found == {*SCRIPTS, "view.html", "view.css", "py.typed"}


def in_node(names, expression):
    """Run some of the page's scripts and give an expression's value."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    script = "\n".join((PAGES / name).read_text() for name in names) + f"\nconsole.log(JSON.stringify({expression}))"
    return json.loads(subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("roll", [0.0, 15.0, -100.0])
def test_the_strip_places_pixels_where_they_are(roll):
    camera = {"hfov_deg": 70.0, "pitch_deg": -22.5, "roll_deg": roll}
    found = in_node(
        ["sphere.js"],
        "[0, 1, 2].map((y) => [0, 1, 2, 3].map((x) => {"
        f"const d = directionOf(x + 0.5, y + 0.5, {json.dumps(camera)}, 4, 3);"
        f"return [...d, ...pixelOf(...d, {json.dumps(camera)}, 4, 3)]; }}))",
    )
    seen = points(np.full((3, 4), 2000, np.uint16), np.zeros(3), 130.0, Pinhole(**camera))
    np.testing.assert_allclose(np.array(found)[..., 0], azimuth(seen, np.float64(130.0)), atol=1e-9)
    np.testing.assert_allclose(np.array(found)[..., 1], elevation(seen), atol=1e-9)
    np.testing.assert_allclose(np.array(found)[..., 2], np.tile(np.arange(4) + 0.5, (3, 1)), atol=1e-9)
    np.testing.assert_allclose(np.array(found)[..., 3], np.tile(np.arange(3) + 0.5, (4, 1)).T, atol=1e-9)


def test_the_strip_is_as_wide_as_each_views_own_picture():
    middle, width = in_node(["sphere.js"], "span({heading: [350, 20]}, [[[50, 0], [-50, 0]], [[160, 0], [-30, 0]]])")
    low, high = middle - width / 2, middle + width / 2
    assert (low + 8, high - 8) == (pytest.approx(-60), pytest.approx(180))


def test_the_strip_holds_all_views_and_sources_across_north():
    facts = {"heading": [350, 20], "azimuth": [[-160], [170]]}  # both hear the source at 190
    middle, width = in_node(["sphere.js"], f"span({json.dumps(facts)}, [[[30, 0], [-30, 0]], [[30, 0], [-30, 0]]])")
    low, high = middle - width / 2, middle + width / 2
    assert low < -170 and high > 50 and width == pytest.approx(170 + 50 + 16)


def test_spectrograms_in_the_page_have_0_db_for_a_full_scale_sine():
    level = in_node(
        ["sound.js"],
        "(({half, frames, out}) => [half, frames, ...out])(levels("
        "Float32Array.from({length: 1024}, (_, n) => Math.sin(2 * Math.PI * 1000 / 16000 * n)), 256))",
    )
    half, frames, *values = level
    table = np.reshape(values, (frames, half))
    assert (half, frames) == (256, 3) and table.argmax(1).tolist() == [32] * 3  # 1000 Hz / (16000 Hz / 512)
    np.testing.assert_allclose(table.max(1), 0, atol=0.1)
    assert table[:, 40:].max() < -70


@pytest.mark.slow
def test_a_browser_shows_the_set_and_runs_no_name(hostile, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium")
    main([str(hostile)])
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=20000", "--dump-dom", (hostile / "view.html").as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    panel = shown[shown.index('<article id="selected-set"') : shown.index("</article>")]
    assert panel.count("<canvas") == 2 + 2 * 2  # strip, plan; each view and what it hears
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in panel and "<script" not in panel and "<img" not in panel
    assert re.search(r'class="row"[^>]*aria-selected="true"|aria-selected="true"[^>]*class="row"', shown)
