"""Results of a section of the benchmark: a table, pictures, and targets that are met or missed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """A measured number and its limit."""

    what: str
    value: float
    limit: float
    least: bool = False
    """Whether the limit is a minimum instead of a maximum."""

    @property
    def met(self) -> bool:
        """Whether the value is within the limit."""
        return self.value >= self.limit if self.least else self.value <= self.limit


@dataclass(frozen=True)
class Finding:
    """One table with its heading and explanation."""

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    targets: Sequence[Target] = field(default_factory=tuple)
    pictures: Sequence[str] = field(default_factory=tuple)
    """File names beside the report."""

    def markdown(self) -> str:
        """Return the finding as a section of Markdown."""
        cells = [[_cell(x) for x in row] for row in self.rows]
        lines = [f"## {self.title}", "", self.text, "", _row(self.header), _row(["---"] * len(self.header))]
        lines += [_row(row) for row in cells]
        for t in self.targets:
            sign = "at least" if t.least else "at most"
            lines += ["", f"{'Met' if t.met else '**Missed**'}: {t.what} {_cell(t.value)}, target {sign} {_cell(t.limit)}."]
        lines += [line for name in self.pictures for line in ("", f"![{self.title}]({name})")]
        return "\n".join(lines) + "\n"


def write_report(out: Path, section: str, findings: Sequence[Finding], how: str, order: Sequence[str]) -> None:
    """Replace a section of results.md; the other sections are kept, in the given order."""
    path = out / "results.md"
    parts = re.split(r"^<!-- section (\w+) -->\n", path.read_text(), flags=re.M)[1:] if path.exists() else []
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    sections[section] = "\n".join([*(f.markdown() for f in findings), f"Made by `{how}`.\n\n"])
    body = "".join(f"<!-- section {s} -->\n{sections[s]}" for s in order if s in sections)
    head = (
        "# Acoustics: results\n\n"
        "Made by `python -m benchmarks.acoustics`; [acoustics.md](../acoustics.md) describes the model.\n\n"
        f"{_summary(body)}\n\n"
    )
    path.write_text((head + body).rstrip() + "\n")


def _summary(body: str) -> str:
    """Return a table of all targets in the written sections."""
    rows = [_row(("quantity", "measured", "target")), _row((":--", "--:", "--:"))]
    title = ""
    for line in body.splitlines():
        if line.startswith("## "):
            title = line[3:]
        if found := re.fullmatch(r"(Met|\*\*Missed\*\*): (.*) (\S+), target (at most|at least) (\S+)\.", line):
            state, what, value, sign, limit = found.groups()
            mark = "" if state == "Met" else " **missed**"
            rows.append(_row((f"{title}: {what}", value + mark, f"{'<=' if sign == 'at most' else '>='} {limit}")))
    return "\n".join(rows)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(c) for c in cells) + " |"


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
