"""The turn of a camera between two photographs, or that they share too little to tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import InputError
from training.evaluation.learned import Learned
from training.prediction.lens import middle, zoom
from training.prediction.pictures import Photograph, read_photograph


@dataclass(frozen=True)
class Turn:
    """How far a camera turned between two pictures."""

    degrees: float
    """Left positive."""
    spread_deg: float
    """Scatter of four answers that should agree."""
    limit_deg: float | None
    """Scatter beyond which the pictures share too little; None where the run is not calibrated."""
    hfov_deg: float
    """Field of view of the compared part of both pictures."""
    notes: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the pictures share enough, as far as the run can tell."""
        return self.limit_deg is None or self.spread_deg <= self.limit_deg


def find_turn(learned: Learned, first: Photograph, second: Photograph) -> Turn:
    """Return the turn between two photographs, whose lenses may differ from the one trained on.

    Both are cropped to the smallest field of view among theirs and the network's. Where that is smaller than the network's, the
    network's answer is scaled: padding a narrow picture was measured to be worse.
    """
    known = [p.hfov_deg for p in (first, second) if p.hfov_deg is not None]
    own = learned.hfov_deg
    shown = min([own, *known])
    pair = [middle(p.rgb, own if p.hfov_deg is None else p.hfov_deg, shown)[None] for p in (first, second)]
    degrees, spread = (float(x[0]) for x in learned.rotation_and_spread(*pair))
    limit = learned.calibration.spread_limit_deg if learned.calibration else None
    return Turn(degrees * zoom(shown, own), spread, limit, shown, _notes(learned, first, second))


def describe_turn(learned: Learned, sign: dict[str, Any] | None, before: Path, after: Path, hfov_deg: float | None = None) -> str:
    """Return a text with the turn between two picture files and the check of the run's sign."""
    first, second = read_pair(learned, before, after, hfov_deg)
    return turn_text(find_turn(learned, first, second), sign, before, after)


def read_pair(learned: Learned, before: Path, after: Path, hfov_deg: float | None = None) -> tuple[Photograph, Photograph]:
    """Read two pictures at a run's proportions; hfov_deg: the field of view of both, if known."""
    aspect = learned.settings.picture.width_px / learned.settings.picture.height_px
    return read_photograph(before, aspect, hfov_deg), read_photograph(after, aspect, hfov_deg)


def turn_text(turn: Turn, sign: dict[str, Any] | None, before: Path, after: Path, of_run: bool = True) -> str:
    """Return a turn as text, and for the networks of a run the check of its sign."""
    if not turn.known:
        return (
            f"cannot tell: {before} and {after} share too little (four answers scatter by {turn.spread_deg:.1f} degrees; "
            f"{turn.limit_deg:.1f} is the limit)"
        )
    side = "left" if turn.degrees > 0 else "right"
    answer = (
        f"{after} is turned {abs(turn.degrees):.1f} degrees to the {side} of {before} ({turn.degrees:+.1f}; left is positive)"
    )
    return f"{answer}\n{sign_text(sign)}" if of_run else answer


def sign_text(sign: dict[str, Any] | None) -> str:
    """Return the check of a run's sign as text; None: there is no report."""
    if sign is None:
        return "the run has no report of this checkpoint: the sign (left or right) is not checked"
    verdict = "agrees with" if sign["right"] else "CONTRADICTS"
    return (
        f"the run's sign {verdict} the true turns of {sign['pairs']} validation pairs: mean error "
        f"{sign['mean_deg_kept']:.1f} degrees, {sign['mean_deg_turned']:.1f} with the other sign"
    )


def checked_sign(run: Path) -> dict[str, Any] | None:
    """Return the check of the rotation sign of a run or checkpoint from the run's report; None without a report."""
    report = (run if run.is_dir() else run.parent) / "report.json"
    if not report.is_file():
        return None
    try:
        rotation = json.loads(report.read_text())["rotation"]
        signs, method = rotation["signs"], rotation["method"]
        before = f"{method} before front-back"
        name = {"slfm": before if before in signs else method, "supervised": "supervised"}.get(run.stem, method)
        return signs.get(method if run.is_dir() else name)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{report} is damaged; run python -m training.run again to write it") from None


def _notes(learned: Learned, first: Photograph, second: Photograph) -> tuple[str, ...]:
    notes = []
    if first.hfov_deg is None or second.hfov_deg is None:
        notes.append(
            f"the field of view is guessed: {learned.hfov_deg:.0f} degrees, as trained on; state it with --hfov DEG, because "
            "turns are wrong in proportion"
        )
    else:
        stated = sorted({f"{p.hfov_deg:.1f} degrees ({p.origin})" for p in (first, second)})
        notes.append(f"field of view: {', '.join(stated)}; trained on: {learned.hfov_deg:.1f} degrees")
    if learned.calibration is None:
        notes.append("the run is not calibrated: pictures that share nothing get an answer too; run python -m training.calibrate")
    return tuple(notes)
