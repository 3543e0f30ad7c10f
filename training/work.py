"""State shared by the stages of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.config import Settings, stage_settings
from training.data.batches import Batches
from training.tasks import loop

VALIDATION_BATCH = 64
"""Sets in a batch of validation or test data."""
TAGS = {"pretext": 1, "slfm": 2, "supervised": 3, "front-back": 4, "slfm restarted": 5}
"""Seed tags of the stages: each draws different batches."""


@dataclass
class Work:
    """State shared by the stages of one run."""

    data: str
    settings: Settings
    run: loop.Run
    training: Batches
    """Augmented batches of the pretext task's size, split among processes."""
    val: Batches
    histories: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    probes: dict[str, dict[str, float]] = field(default_factory=dict)
    health: dict[str, dict[str, float]] = field(default_factory=dict)
    """Label-free figures of each attempt at the slfm stage."""
    complaints: list[str] = field(default_factory=list)
    """Figures beyond their limits, one line each; empty for a healthy run."""
    notes: dict[str, Any] = field(default_factory=dict)
    clips: Path | None = None
    """Folder of dry sounds used in place of the data set's."""

    def drawn(self, stage: str, **options: Any) -> Batches:
        """Return batches of the training split for a stage, with its own draws."""
        batch, run = stage_settings(self.settings, stage.split()[0]).batch, self.run
        options = {"store": self.training.store, **options}
        return Batches(
            settings=self.settings, batch=batch, training=True, rank=run.rank, world=run.world, tag=TAGS[stage], **options
        )

    def file(self, stage: str) -> Path:
        """Return the path of a stage's checkpoint."""
        return self.run.folder / f"{stage}.pt"
