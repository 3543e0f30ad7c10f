"""The viewer's page: markup, style and script, and the blocks of data that a page holds or asks for."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from dataset.atomic import replacing
from dataset.errors import DatasetError
from dataset.format.splits import SPLITS
from dataset.progress import progress_bar
from dataset.reader import Dataset
from dataset.viewer.payload import SMALL, Panels

PAGES = files("dataset") / "pages"
SCRIPTS = ("data.js", "list.js", "sphere.js", "walk.js", "plan.js", "sound.js", "selected_set.js", "keys.js")


def page(panels: Panels, title: str, sets: Sequence[int], served: bool) -> str:
    """Return the page's HTML up to its data: markup, style, script and the list of these sets."""
    scenes = list(panels.scenes)
    place = {scene: k for k, scene in enumerate(scenes)}
    listed = []
    for index in sets:
        entry = panels.entry(index)
        name = panels.name(index) if served else panels.data.read(index, "set_id")
        listed.append([place[entry["scene"]], SPLITS.index(entry["split"]), name])
    content = {"served": served, "total": len(panels.data), "scenes": scenes, "splits": SPLITS, "sets": listed}
    script = "\n".join((PAGES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (PAGES / "view.css").read_text(encoding="utf-8")
    parts = {
        "title": html.escape(title),
        "policy": policy(script, style, served),
        "style": style,
        "script": script,
        "index": embeddable(content),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], (PAGES / "view.html").read_text(encoding="utf-8"))


def policy(script: str, style: str, served: bool) -> str:
    """Return the Content-Security-Policy: this script and style only, nothing from the network."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    connect = "'self'" if served else "'none'"
    return (
        f"default-src 'none'; script-src 'sha256-{digests[0]}'; style-src 'sha256-{digests[1]}'; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def embeddable(content: Any) -> str:
    """Return JSON that is safe in a script element, whatever its strings contain."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def blocks(panels: Panels, sets: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """Iterate over the name and content of every block of data of these sets, in the order in which the page shows them."""
    scenes = list(panels.scenes)
    drawn = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        facts, sounds = pool.map(panels.facts, sets), pool.map(lambda index: panels.sound(index, SMALL), sets)
        for number, (index, fact, sound) in enumerate(zip(sets, facts, sounds, strict=True)):
            scene = panels.entry(index)["scene"]
            if scene not in drawn:
                drawn.add(scene)
                yield f"plan-{scenes.index(scene)}", panels.plan(scene)
            yield f"facts-{number}", fact
            yield f"sound-{number}", sound


def write_page(data: Dataset, title: str, count: int, out: Path, progress: bool = False) -> int:
    """Write a page of some sets, spread over the data set, atomically; return their number.

    Raise DatasetError where the data set cannot be read or is empty, OSError where the page cannot be written.
    """
    panels = Panels(data)
    if not len(data):
        raise DatasetError("the data set has no sets to show; render some first (python -m simulator.render)")
    sets = np.unique(np.linspace(0, len(data) - 1, min(count, len(data))).astype(int)).tolist()
    bar = progress_bar(len(sets), "set", "view", progress)
    with bar, replacing(out) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(page(panels, title, sets, served=False))
        for name, content in blocks(panels, sets):
            file.write(f'<script type="application/json" id="{name}">{embeddable(content)}</script>\n')
            bar.update(name.startswith("sound"))
        file.write("</body>\n</html>\n")
    return len(sets)
