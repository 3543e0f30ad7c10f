"""README.md as a Hugging Face dataset card, and CITATION.cff: the description of a published data set.

The tests run the snippets of the card, unchanged, in the folder of the data set.
"""

from __future__ import annotations

import json
from typing import Any

from dataset.format.manifest import SUMS
from dataset.format.schema import FIELDS, FORMAT, FORMAT_VERSION
from dataset.publish.describe import Description

PICTURE = "preview.jpg"
AXES = "V views, S sources, H x W pixels, Td and Ti samples of responses, L samples of sound; sets come first"
CONVENTIONS = """World: +Y up, right-handed, metres. Heading 0 looks along -Z with +X to the right. Headings and azimuths grow
to the **left** (counter-clockwise seen from above), in degrees; azimuth is relative to the head, in (-180, 180]. Two ears: (left,
right). Time zero of a response is the emission. The full response is `brir_direct + indirect_ratio x brir_indirect`, with the
ratio of the settings below; `audio` is the sum over sources of `mono` convolved with it."""
H5PY = """import json
import h5py

with h5py.File("{shard}") as shard:          # nothing but h5py is needed
    print(dict(shard.attrs)["scene"], list(shard))
    pictures = shard["rgb"][0] if "rgb" in shard else None   # one set: (views, height, width, 3)
    heading = shard["heading"][0]             # degrees, left positive
    azimuth = shard["azimuth"][0]             # (views, sources), degrees, left positive
    depth_m = shard["depth"][0] / 1000 if "depth" in shard else None
    rate = int(shard.attrs["sample_rate"])
    settings = json.loads(shard.attrs["settings"])
"""
HUGGING_FACE = """import os
from datasets import load_dataset

rows = load_dataset(os.path.abspath("{place}"), split="{split}")     # on the Hub: load_dataset("owner/name", ...)
print(rows[0]["set_id"], rows[0]["heading"])
"""
STREAMING = """from datasets import load_dataset

rows = load_dataset("hdf5", data_files={{"{split}": "{pattern}"}}, split="{split}", streaming=True)
first = next(iter(rows))
print(first["set_id"], first["azimuth"])
"""
WEBDATASET = """import glob
import webdataset

tars = sorted(glob.glob("../webdataset/{split}-*.tar"))
sets = webdataset.WebDataset(tars, shardshuffle=False).decode("rgb8")
one = next(iter(sets))
print(one["__key__"], one["0.rgb.png"].shape, one["json"]["scene"], one["heading.npy"])
"""
READER = """from dataset.reader import Dataset

sets = Dataset("{place}", split="{split}", fields=["set_id", "rgb", "azimuth"])
print(len(sets), sets[0]["set_id"], sets[0]["azimuth"])
"""


def card(d: Description) -> str:
    """Return the dataset card."""
    return "\n".join([_front_matter(d), _head(d), _contents(d), _open(d), _making(d), _rights(d)])


def citation(d: Description) -> str:
    """Return CITATION.cff (Citation File Format 1.2)."""
    lines = [
        "cff-version: 1.2.0", 'message: "If you use this data set, please cite it as below."', "type: dataset",
        f"title: {json.dumps(d.title)}", f"version: {json.dumps(d.version)}", f"date-released: {json.dumps(d.date)}",
        f"license: {d.licence}", "authors:", *(f"  - name: {json.dumps(name)}" for name in d.authors),
    ]  # fmt: skip
    if d.url:
        lines.append(f"{'url' if d.url.startswith('http') else 'repository'}: {json.dumps(d.url)}")
    return "\n".join(lines) + "\n"


def _front_matter(d: Description) -> str:
    """Return the YAML block; its scalars are JSON, which is valid YAML."""
    files = []
    for split in d.splits:
        paths = [s["path"] for s in d.shards if s["split"] == split]
        files += [f"  - split: {split}", "    path:", *(f"    - {json.dumps(p)}" for p in paths)]
    return "\n".join(
        [
            "---", f"license: {d.licence.lower()}", f"pretty_name: {json.dumps(d.title)}", "size_categories:",
            f"- {_size(sum(d.sets.values()))}", "task_categories:", "- depth-estimation", "- audio-classification", "- other",
            "tags:", *(f"- {json.dumps(k)}" for k in ("croissant", *d.keywords)),
            "configs:", "- config_name: default", "  data_files:", *files, "---", "",
        ]
    )  # fmt: skip


def _size(sets: int) -> str:
    """Return the Hub's size category."""
    steps = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M")]
    return next((name for most, name in steps if sets < most), "n>10M")


def _head(d: Description) -> str:
    total = sum(s["bytes"] for s in d.shards)
    return f"""# {_plain(d.title)}

{_plain(d.about)}

![Views, spectrograms of both ears, and directions of the sources]({PICTURE})

{sum(d.sets.values())} sets, {len(d.shards)} HDF5 shards, {total / 1e9:.2f} GB. Version {_plain(d.version)}, {d.date}. Licence: \
[{d.licence}]({d.licence_url}); see [credits](#credits-and-licences). Format: {FORMAT} {FORMAT_VERSION}.
"""


def _contents(d: Description) -> str:
    fields = ["| field | type | shape of one set | unit | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, shape in d.shapes.items():
        f = FIELDS[name]
        axes = " x ".join(
            (a if n < 0 else f"{n} ({a})") if isinstance(a, str) else str(n) for a, n in zip(f.axes, shape, strict=True)
        )
        fields.append(f"| `{name}` | {f.dtype} | {axes or 'one'} | {f.unit} | {_plain(f.meaning)} |")
    lacking = [f"\nAbsent: `{name}`: {_plain(why)}." for name, why in d.absent.items()]
    splits = ["| split | sets | scenes |", "| --- | --- | --- |"]
    for split in d.splits:
        names = d.scenes[split]
        some = ", ".join(_plain(n) for n in names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        splits.append(f"| {split} | {d.sets[split]} | {len(names)}: {some} |")
    spread = ["| quantity | minimum | median | maximum |", "| --- | --- | --- | --- |"]
    spread += [f"| {name} | {a:.2f} | {m:.2f} | {z:.2f} |" for name, (a, m, z) in d.spread.items()]
    blank = [""]
    return "\n".join(
        ["## Contents", "", f"Axes: {AXES}.", "", *fields, *lacking, "", CONVENTIONS, "", "### Splits", "",
         "Whole scenes are assigned to splits: no scene is in two splits.", "", *splits, "",
          "### Distributions", "", *spread, *blank]
    )  # fmt: skip


def _open(d: Description) -> str:
    split = d.splits[0]
    shard = next(s["path"] for s in d.shards if s["split"] == split)
    names = {"shard": shard, "split": split, "place": ".", "pattern": shard}
    remote = f"\nOutside its folder, replace the dot by the address (`{_plain(d.url)}`).\n" if d.url else ""
    return f"""## How to open it

With h5py alone:

```python
{H5PY.format(**names)}```

With Hugging Face `datasets`, in memory or streaming:

```python
{HUGGING_FACE.format(**names)}```

```python
{STREAMING.format(**names)}```

As WebDataset tars for streaming trainers, after `python -m dataset.convert --to webdataset . --out ../webdataset`:

```python
{WEBDATASET.format(**names)}```

The `.npz` files hold depth, instances and responses, and the `.flac` files sound (24 bits; multiply sounds above full scale \
by their factor in `json["gain"]`); `sight-and-sound.json` beside the tars holds credits, settings and the meaning of the fields.

With the sight-and-sound package (it opens folders and addresses such as s3:// and hf://, and downloads and checks what is read):

```python
{READER.format(**names)}```
{remote}
To check the files: `sha256sum -c {SUMS}`, or `python -m dataset.verify .`, which also checks format, geometry and sound.
`croissant.json` is the machine-readable description (MLCommons Croissant 1.1 with its responsible-AI vocabulary).
`python -m dataset.view .` shows the data set in a browser.
"""


def _making(d: Description) -> str:
    lines = [
        "## Method",
        "",
        _plain(d.method),
        "",
        *(f"- {_plain(p)}" for p in d.processing),
        "",
        "| setting | value |",
        "| --- | --- |",
    ]
    lines += [f"| {_plain(name)} | {_plain(value)} |" for name, value in _flat(d.settings)]
    made = ", ".join(f"{k} {v}" for k, v in d.software.items())
    lines += ["", f"Software: {_plain(made)}." if made else "", "", f"Missing: {_plain(d.missing)}", "", "## Uses and limits", ""]
    lines += [f"- Use: {_plain(x)}" for x in d.uses] + [f"- Limit: {_plain(x)}" for x in d.limitations]
    lines += [f"- Bias: {_plain(x)}" for x in d.biases]
    lines += [f"- People: {_plain(d.personal)}", f"- Impact: {_plain(d.impact)}", f"- Maintenance: {_plain(d.maintenance)}", ""]
    return "\n".join(lines)


def _rights(d: Description) -> str:
    rows = [f"| {s.kind} | {_plain(s.credit)} | {s.licence.name} |" for s in d.sources]
    return "\n".join(
        [
            "## Credits and licences", "", f"Licence of the data set: [{d.licence}]({d.licence_url}). Its sources:", "",
            "| kind | credit | licence, as recognised |", "| --- | --- | --- |", *rows,
            "", "## Citation", "", "```bibtex", d.bibtex, "```", "",
        ]
    )  # fmt: skip


def _flat(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for name, value in settings.items():
        out += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, str(value))]
    return out


def _plain(text: object) -> str:
    """Return text with the characters of Markdown and HTML escaped."""
    out = " ".join(str(text).split())
    for sign in "\\|`*<>[]":
        out = out.replace(sign, {"<": "&lt;", ">": "&gt;"}.get(sign, "\\" + sign))
    return out
