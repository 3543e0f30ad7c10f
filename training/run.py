"""Train without labels and prove it on unseen scenes.

    python -m training.run --data data/slfm
    python -m training.run --data data/slfm --preset small --out runs/mine --set slfm.steps=2000

Runs the pretext task, then sound localisation from motion, then the evaluation, and writes checkpoints, report.json and
report.md into --out. Running the same command again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from dataset.errors import DatasetError
from dataset.reader import Dataset
from training import loop
from training.batches import Batches
from training.config import PRESETS, Settings, preset
from training.errors import InputError
from training.evaluate import evaluate
from training.examples import Examples, ExampleSettings
from training.learned import errors, load_predictor
from training.pretext import Pretext
from training.report import write_report
from training.slfm import Slfm
from training.store import load


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 done, 2 wrong use or input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/slfm", help="data set folder; default %(default)s")
    parser.add_argument("--out", default="runs/slfm", help="folder of the run; default %(default)s")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="default: paper with a GPU, small without")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="default: cuda where there is one, else cpu")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of training/config.py")
    parser.add_argument("--no-resume", action="store_true", help="start again even where checkpoints are")
    options = parser.parse_args(arguments)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        name = options.preset or ("paper" if device.type == "cuda" else "small")
        settings = preset(name, {"seed": options.seed}, options.set)
        run = loop.Run(Path(options.out), device, resume=not options.no_resume)
        learn(options.data, settings, run)
    except (InputError, DatasetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def learn(data: str, settings: Settings, run: loop.Run) -> None:
    """Pretext task, localisation from motion, evaluation."""
    training, val = load(data, "train", settings), load(data, "val", settings)
    looked_at = Batches(val, settings, 64, training=False)
    torch.manual_seed(settings.seed)
    task, model = Pretext(settings), Slfm(settings)
    batches = Batches(training, settings, settings.pretext.batch, training=True, tag=1)
    histories = {"pretext": loop.train("pretext", task, batches, settings.pretext, settings, run)}
    model.localiser.encoders.load_state_dict(task.encoders.state_dict())
    batches = Batches(training, settings, settings.slfm.batch, training=True, tag=2)
    histories["slfm"] = loop.train(
        "slfm", model, batches, settings.slfm, settings, run, lambda _: errors(model.localiser, looked_at, run.device)
    )
    heard = ExampleSettings(settings.sound.clip_s, settings.sound.indirect_ratio)
    test, reference = (Examples(Dataset(data, split), heard, settings.seed) for split in ("test", "val"))
    results = evaluate([load_predictor(run.folder / "slfm.pt", str(run.device))], test, reference)
    curves = {f"{k}/loss": [(r["step"], r["loss"]) for r in h] for k, h in histories.items()}
    write_report(run.folder, results, test, settings=settings.to_dict(), seconds=run.seconds, curves=curves)
    print(f"{run.folder}/report.md")


if __name__ == "__main__":
    sys.exit(main())
