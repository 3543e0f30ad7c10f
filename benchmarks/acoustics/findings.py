"""What a section of the benchmark found: a table, a picture, and promises that hold or do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Promise:
    """A number and the limit that it should keep."""

    what: str
    value: float
    limit: float
    least: bool = False
    """The limit is a least value instead of a greatest."""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.value >= self.limit if self.least else self.value <= self.limit


@dataclass(frozen=True)
class Finding:
    """One table with its heading and what should be read from it."""

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    promises: Sequence[Promise] = field(default_factory=tuple)
    pictures: Sequence[str] = field(default_factory=tuple)
    """File names beside the report."""

    def markdown(self) -> str:
        """Write the finding as a section."""
        cells = [[_cell(x) for x in row] for row in self.rows]
        lines = [f"## {self.title}", "", self.text, "", _row(self.header), _row(["---"] * len(self.header))]
        lines += [_row(row) for row in cells]
        for p in self.promises:
            sign = "at least" if p.least else "at most"
            lines += ["", f"{'Holds' if p.holds else '**Broken**'}: {p.what} {_cell(p.value)}, {sign} {_cell(p.limit)} promised."]
        lines += [line for name in self.pictures for line in ("", f"![{self.title}]({name})")]
        return "\n".join(lines) + "\n"


def write_report(out: Path, section: str, findings: Sequence[Finding], how: str, order: Sequence[str]) -> None:
    """Write a section of results.md in place of what it held before; the others, in the given order, stay."""
    path = out / "results.md"
    parts = re.split(r"^<!-- section (\w+) -->\n", path.read_text(), flags=re.M)[1:] if path.exists() else []
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    sections[section] = "\n".join([*(f.markdown() for f in findings), f"Made by `{how}`.\n\n"])
    body = "".join(f"<!-- section {s} -->\n{sections[s]}" for s in order if s in sections)
    head = (
        "# Measured: sound\n\nMade by `python -m benchmarks.acoustics`; [acoustics.md](../acoustics.md) tells what it means.\n\n"
        f"{_summary(body)}\n\n"
    )
    path.write_text((head + body).rstrip() + "\n")


def _summary(body: str) -> str:
    """Make a table of all promises from the sections as written."""
    rows = [_row(("promise", "measured", "promised")), _row((":--", "--:", "--:"))]
    title = ""
    for line in body.splitlines():
        if line.startswith("## "):
            title = line[3:]
        if found := re.fullmatch(r"(Holds|\*\*Broken\*\*): (.*) (\S+), (at most|at least) (\S+) promised\.", line):
            kept, what, value, sign, limit = found.groups()
            mark = "" if kept == "Holds" else " **broken**"
            rows.append(_row((f"{title}: {what}", value + mark, f"{'<=' if sign == 'at most' else '>='} {limit}")))
    return "\n".join(rows)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(c) for c in cells) + " |"


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
