"""Checkpoints: written atomically, read without pickled code, compared with the settings, data and start of the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dataset.atomic import replacing
from training.config import Settings, from_dict
from training.errors import InputError

FORMAT = 1
REJECTED = "-rejected"
"""End of the name of a first attempt that was not healthy; a second one, with the name without it, took its place."""
TRAIN_AGAIN = "use another --out, the same settings, or --no-resume"


def save(path: Path, settings: Settings, content: dict[str, Any]) -> None:
    """Write tensors, numbers and texts atomically; raise InputError if the disk is full, and keep the previous file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save({"format": FORMAT, "settings": json.dumps(settings.to_dict()), **content}, file)
    except (OSError, RuntimeError) as error:
        kept = f"; the previous one, {path}, is kept" if path.is_file() else ""
        raise InputError(f"checkpoint {path} cannot be written ({error}){kept}: free some disk space and run again") from None


def load(path: Path) -> tuple[Settings, dict[str, Any]]:
    """Read a checkpoint onto the CPU: its settings and content; raise InputError if it is missing, damaged or newer."""
    if not path.is_file():
        raise InputError(f"checkpoint {path} is missing; train first (python -m training.run)")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        settings = from_dict(json.loads(content.pop("settings")))
        version = content.pop("format")
    except InputError as error:
        raise InputError(f"checkpoint {path} has settings that this version does not know ({error}); {_again(path)}") from None
    except Exception as error:
        message = str(error).splitlines()[0].split(". ")[0] if str(error) else type(error).__name__
        raise InputError(f"checkpoint {path} is damaged or not a checkpoint ({message}); {_again(path)}") from None
    if not isinstance(version, int) or version > FORMAT:
        raise InputError(f"checkpoint {path} has format {version}, this software reads {FORMAT}; {_again(path)}")
    return settings, content


def restore(path: Path, module: nn.Module, content: dict[str, Any], prefix: str = "") -> None:
    """Load the model of a checkpoint's content, of its names those with `prefix`, into a module.

    Raise InputError, naming a tensor, if one is missing, unknown, of another shape or not finite.
    """
    model, wanted = content.get("model"), module.state_dict()
    if not isinstance(model, dict):
        raise InputError(f"checkpoint {path} holds no networks; {_again(path)}")
    found = {name.removeprefix(prefix): value for name, value in model.items() if str(name).startswith(prefix)}
    for name in dict.fromkeys((*wanted, *found)):
        wrong = _mismatch(wanted.get(name), found.get(name))
        if wrong:
            raise InputError(f"checkpoint {path} does not fit its networks ({name} is {wrong}); {_again(path)}")
    module.load_state_dict(found)


def restore_optimizer(path: Path, optimizer: torch.optim.Optimizer, content: dict[str, Any]) -> None:
    """Load the optimizer's state of a checkpoint's content; raise InputError if it does not fit the parameters."""
    try:
        optimizer.load_state_dict(content["optimizer"])
        averages = [(p, optimizer.state[p]) for group in optimizer.param_groups for p in group["params"]]
        fits = all(x.shape in (p.shape, ()) for p, state in averages for x in state.values())
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError):
        fits = False
    if not fits:
        raise InputError(f"checkpoint {path} does not fit its networks (the optimizer's state); {_again(path)}")


def progress(path: Path, content: dict[str, Any]) -> tuple[int, list[dict[str, float]], float]:
    """Return step, history and seconds of a checkpoint's content; raise InputError if they are missing or no numbers."""
    try:
        history = [{str(k): float(v) for k, v in record.items()} for record in content["history"]]
        return int(content["step"]), history, float(content["seconds"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(f"checkpoint {path} is damaged (its progress cannot be read); {_again(path)}") from None


def _again(path: Path) -> str:
    """Return what replaces a damaged checkpoint; the second attempt does not outlive the first."""
    second = f" and {path.stem.removesuffix(REJECTED)}.pt" if path.stem.endswith(REJECTED) else ""
    return f"delete it{second} and train again"


def _mismatch(wanted: Tensor | None, found: Any) -> str:
    """Return how a stored tensor differs from the expected one; empty if it fits."""
    if wanted is None:
        return "unknown"
    if found is None:
        return "missing"
    if not isinstance(found, Tensor) or found.shape != wanted.shape:
        return f"{getattr(found, 'shape', type(found).__name__)}, expected {wanted.shape}".replace("torch.Size", "")
    return "" if torch.isfinite(found).all() else "not finite"


def check_settings(path: Path, found: Settings, wanted: Settings, free: Sequence[str] = (), remedy: str = TRAIN_AGAIN) -> None:
    """Raise InputError, with differences and a remedy, for a checkpoint made with other settings; `free` groups may differ."""
    a, b = ({k: v for k, v in s.to_dict().items() if k not in free} for s in (found, wanted))
    differences = list(_differences(a, b))
    if differences:
        more = f" and {len(differences) - 3} more" if len(differences) > 3 else ""
        text = ", ".join(f"{k}: {x!r} there, {y!r} now" for k, x, y in differences[:3])
        raise InputError(f"{path} was made with other settings ({text}{more}); {remedy}")


def digest(task: nn.Module) -> str:
    """Return the SHA-256 of a task's parameters and buffers, in their order."""
    sha = hashlib.sha256()
    for name, value in task.state_dict().items():
        sha.update(name.encode())
        sha.update(value.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()


def check_origin(path: Path, found: dict[str, str] | None, wanted: dict[str, str]) -> None:
    """Raise InputError for a checkpoint trained on other data or started from other networks."""
    what = {
        "data": "on other data or other clips",
        "start": "from other networks (the stage before it was trained again or left out)",
    }
    wrong = [text for key, text in what.items() if (found or {}).get(key) != wanted[key]]
    if wrong:
        raise InputError(f"{path} was trained {' and '.join(wrong)}; use another --out, or --no-resume to train it again")


def _differences(a: dict[str, Any], b: dict[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    out = []
    for key in a:
        if isinstance(a[key], dict):
            out += _differences(a[key], b[key], f"{prefix}{key}.")
        elif a[key] != b[key]:
            out.append((f"{prefix}{key}", a[key], b[key]))
    return out
