"""Mutants: change one line of the code at a time, and check that the tests notice.

    python -m benchmarks.mutants                       all mutants
    python -m benchmarks.mutants --only probe l2r      those whose names contain one of these
    python -m benchmarks.mutants --list

The tracked files are copied to a temporary folder. There each mutant's tests run first on the unchanged code, where they must
pass, and then on the changed code, where at least one must fail. Prints killed, SURVIVED or ERROR for each mutant. Exit
status 1 if one survives or its tests do not run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 900
"""Longest duration of the tests of one mutant; exceeding it counts as killed, because the change makes the code hang."""
PASSED, FAILED, TIMED_OUT = 0, 1, -1
"""Exit statuses of pytest; other values mean that the tests did not run."""
TRACER = "tests/simulator/acoustics/test_tracer.py::"
PRETEXT = "tests/training/tasks/test_pretext.py"
METRICS = "tests/training/evaluation/test_pretext_metrics.py"
EARS = "tests/dataset/test_interaural.py"
PROBE = "tests/training/tasks/test_probe.py"
RESNET = "tests/training/networks/test_resnet.py"
QUEUE = "tests/simulator/run/test_shard_queue.py"


@dataclass(frozen=True)
class Mutant:
    """A change of one place in the code, and the tests that must notice it."""

    name: str
    path: str
    old: str
    """Text that occurs once in the file."""
    new: str
    tests: tuple[str, ...]
    """Arguments of pytest."""


MUTANTS = (
    Mutant(
        "tracer: sources face away from the listener",
        "simulator/acoustics/tracer.py",
        "front = listener - sources",
        "front = sources - listener",
        (TRACER + "test_diffuse_sound_of_one_surface_is_that_of_a_lambert_plate",),
    ),
    Mutant(
        "rain: directivity without its square",
        "simulator/acoustics/ray_kernels.py",
        "factor * around.scattering[material, b] * around.directivity[row, b] ** 2",
        "factor * around.scattering[material, b] * around.directivity[row, b]",
        (TRACER + "test_diffuse_sound_of_one_surface_is_that_of_a_lambert_plate",),
    ),
    Mutant(
        "source sphere: directivity without its square",
        "simulator/acoustics/ray_kernels.py",
        "value = rays.power[i, b] * factor * around.directivity[row, b] ** 2",
        "value = rays.power[i, b] * factor * around.directivity[row, b]",
        (TRACER + "test_images_and_rays_share_the_energy_whatever_the_order_of_the_images",),
    ),
    Mutant(
        "pretext metrics: level of the right ear over the left",
        "dataset/interaural.py",
        "np.log10(energy[..., 0] / energy[..., 1])",
        "np.log10(energy[..., 1] / energy[..., 0])",
        (EARS,),
    ),
    Mutant(
        "pretext metrics: delay of the left ear after the right",
        "dataset/interaural.py",
        "right * left.conj()",
        "left * right.conj()",
        (EARS,),
    ),
    Mutant(
        "pretext metrics: predicted ears exchanged",
        "training/evaluation/pretext_metrics.py",
        '"predicted": distances(p, t, rate)',
        '"predicted": distances(p[:, ::-1], t, rate)',
        (METRICS,),
    ),
    Mutant(
        "probe: fitted on the test split",
        "training/tasks/probe.py",
        "for batches in (training, test))",
        "for batches in (test, training))",
        (PROBE,),
    ),
    Mutant(
        "probe: evaluated on the training split",
        "training/tasks/probe.py",
        "(layer(y).argmax(1) == truth)",
        "(layer(x).argmax(1) == label)",
        (PROBE,),
    ),
    Mutant(
        "probe: splits exchanged by the stage",
        "training/stages.py",
        "probe(encoders, plain, test,",
        "probe(encoders, test, plain,",
        ("tests/training/test_run.py", "-k", "probes_are_fitted"),
    ),
    Mutant(
        "sign: the opposite one is stored",
        "training/stages.py",
        "rotation_sign.fill_(sign)",
        "rotation_sign.fill_(-sign)",
        ("tests/training/test_run.py", "-k", "sign_is_fixed_without_labels"),
    ),
    Mutant(
        "sign: fixed after the checkpoint is written",
        "training/stages.py",
        'loop.keep(work.file("slfm"), model)',
        "pass",
        ("tests/training/test_run.py", "-k", "sign_is_fixed_without_labels"),
    ),
    Mutant(
        "sign: predictors ignore the stored one",
        "training/evaluation/learned.py",
        "torch.rad2deg(self.localiser.rotation_sign * phi)",
        "torch.rad2deg(phi)",
        ("tests/training/test_predict.py", "-k", "exchanging_pictures_negates"),
    ),
    Mutant(
        "conditioning_sound: always given",
        "training/tasks/pretext.py",
        "if p.conditioning_sound:",
        "if True:",
        (PRETEXT,),
    ),
    Mutant(
        "conditioning_sound: never given",
        "training/tasks/pretext.py",
        "if p.conditioning_sound:",
        "if False:",
        (PRETEXT,),
    ),
    Mutant(
        "l2r: the right ear is given",
        "training/tasks/pretext.py",
        "decoder(magnitude_phase(ears[:, 0]), condition)",
        "decoder(magnitude_phase(ears[:, 1]), condition)",
        (PRETEXT,),
    ),
    Mutant(
        "l2r: the left ear is predicted",
        "training/tasks/pretext.py",
        "return magnitude_phase(ears[:, 1]), magnitude_phase(ears[:, 0])",
        "return magnitude_phase(ears[:, 0]), magnitude_phase(ears[:, 1])",
        (PRETEXT,),
    ),
    Mutant(
        "l2r: ears of the prediction exchanged",
        "training/tasks/pretext.py",
        "torch.stack([sound[:, 0], right], 1)",
        "torch.stack([right, sound[:, 0]], 1)",
        (PRETEXT,),
    ),
    Mutant(
        "resnet: weights of the file are dropped",
        "training/networks/resnet.py",
        "network.load_state_dict({k: weights.get(k, v)",
        "network.load_state_dict({k: v",
        (RESNET,),
    ),
    Mutant(
        "resnet: encoders do not load the file",
        "training/networks/encoders.py",
        "load_weights(self.pair.network, network.imagenet)",
        "pass",
        (RESNET,),
    ),
    Mutant(
        "splits: new scenes in the order of their digests",
        "dataset/format/splits.py",
        "key=lambda digest: hashlib.sha256(digest.encode()).hexdigest()",
        "key=str",
        ("tests/dataset/format/test_splits.py",),
    ),
    Mutant(
        "splits: by the scene's name",
        "simulator/run/shard_plan.py",
        "splits = assign_splits([*known, *digests.values()], known)",
        "splits = {sha: assign_splits(digests)[name] for name, sha in digests.items()}",
        ("tests/simulator/run/test_shard_plan.py", "-k", "TestSplits"),
    ),
    Mutant(
        "scheduler: a worker changes its scene",
        "simulator/run/shard_queue.py",
        "scene = mine if mine in self._scenes else",
        "scene = first if mine in self._scenes else",
        (QUEUE,),
    ),
    Mutant(
        "scheduler: workers share scenes",
        "simulator/run/shard_queue.py",
        "if name not in taken",
        "if name in taken",
        (QUEUE,),
    ),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0 if all mutants are killed, 1 if not, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="mutants whose names contain one of these texts")
    parser.add_argument("--list", action="store_true", help="print the names of the mutants and end")
    options = parser.parse_args(argv)
    chosen = [m for m in MUTANTS if not options.only or any(text in m.name for text in options.only)]
    if not chosen:
        parser.error(f"--only {' '.join(options.only)}: no such mutant; --list prints their names")
    if options.list:
        print("\n".join(m.name for m in chosen))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(ROOT, Path(folder))
        verdicts = judge(Path(folder), chosen)
    counts = {v: verdicts.count(v) for v in ("killed", "SURVIVED", "ERROR")}
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.items()))
    return 0 if counts["killed"] == len(chosen) else 1


def copy_tree(root: Path, target: Path) -> None:
    """Copy the files that git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target / name)


def judge(tree: Path, mutants: Sequence[Mutant]) -> list[str]:
    """Return and print the verdict on each mutant in a copy of the tree: killed, SURVIVED or ERROR."""
    unchanged: dict[tuple[str, ...], int] = {}
    verdicts = []
    for mutant in tqdm(mutants, unit="mutant"):
        if mutant.tests not in unchanged:
            unchanged[mutant.tests] = run_tests(tree, mutant.tests)
        changed = run_mutant(tree, mutant) if unchanged[mutant.tests] == PASSED else None
        verdict = {FAILED: "killed", TIMED_OUT: "killed", PASSED: "SURVIVED"}.get(changed, "ERROR")  # type: ignore[arg-type]
        why = "" if changed is not None else " (its tests do not pass on the unchanged code)"
        tqdm.write(f"{verdict:<9} {mutant.name}{why}", file=sys.stdout)
        verdicts.append(verdict)
    return verdicts


def run_mutant(tree: Path, mutant: Mutant) -> int:
    """Run a mutant's tests on the changed code, and restore the file; return the exit status of pytest."""
    path = tree / mutant.path
    before = path.read_text(encoding="utf-8")
    if before.count(mutant.old) != 1:
        raise ValueError(f"{mutant.path} holds {mutant.old!r} {before.count(mutant.old)} times; expected once")
    path.write_text(before.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        return run_tests(tree, mutant.tests)
    finally:
        path.write_text(before, encoding="utf-8")


def run_tests(tree: Path, tests: Sequence[str]) -> int:
    """Run tests in a tree; return the exit status of pytest, or TIMED_OUT."""
    # Bytecode is recognised by time and size of the source, which a change may leave as they are.
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        return subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=LIMIT_S, check=False).returncode
    except subprocess.TimeoutExpired:
        return TIMED_OUT


if __name__ == "__main__":
    sys.exit(main())
