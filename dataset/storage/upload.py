"""Uploads of a published folder to a store, file by file, with resume.

Sent files are recorded beside the cache (name and SHA-256). A file is not sent again if it is recorded and the store holds as
many bytes. The manifest is sent last, so a partial upload is never mistaken for a complete data set.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from glob import escape
from pathlib import Path
from typing import Any

from dataset.atomic import replacing, write_text
from dataset.errors import DatasetError
from dataset.format.documents import read_object, sha256_of
from dataset.progress import progress_bar
from dataset.storage.cache import cache_folder
from dataset.storage.file_system import file_system

TRIES = 3
HUB = "hf://datasets/"


def upload(root: Path, names: Sequence[str], to: str, progress: bool = False) -> tuple[int, int]:
    """Send the named files of a folder, in order; return how many were sent and how many were there already.

    to: hf://datasets/owner/name, any address that fsspec opens for writing, or a folder. Raise DatasetError when a file
    cannot be sent in TRIES attempts; a repeated call resumes the upload.
    """
    if to.startswith(HUB):
        return _to_hub(root, names, to)
    files, base = file_system(to)
    note = cache_folder() / "uploads" / f"{hashlib.sha256(to.rstrip('/').encode()).hexdigest()}.json"
    sent: dict[str, str] = read_object(note) if note.is_file() else {}
    note.parent.mkdir(parents=True, exist_ok=True)
    new = 0
    total = sum((root / name).stat().st_size for name in names)
    with progress_bar(total, "B", "upload", progress, unit_scale=True) as bar:
        for name in names:
            digest, size = sha256_of(root / name), (root / name).stat().st_size
            if sent.get(name) != digest or _size(files, f"{base}/{name}") != size:
                _send(files, root / name, f"{base}/{name}", to)
                new += 1
                sent[name] = digest
                write_text(note, json.dumps(sent))
            bar.update(size)
    return new, len(names) - new


def _size(files: Any, path: str) -> int:
    """Return the bytes of a file in a store, -1 where it is not there."""
    try:
        files.invalidate_cache()
        return int(files.size(path))
    except FileNotFoundError:
        return -1


def _send(files: Any, source: Path, path: str, to: str) -> None:
    """Send one file, atomically."""
    local = "file" in ([files.protocol] if isinstance(files.protocol, str) else files.protocol)
    for attempt in range(TRIES):
        try:
            files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            if local:  # other stores show a file when it is complete
                with replacing(Path(path)) as part:
                    files.put_file(str(source), str(part))
            else:
                files.put_file(str(source), path)
            return
        except Exception as error:  # each file system has errors of its own
            if attempt == TRIES - 1:
                what = f"{source.name} cannot be sent to {to} ({type(error).__name__}: {error})"
                raise DatasetError(f"{what}; check address and keys, then run the command again") from None
            time.sleep(2.0**attempt)


def _to_hub(root: Path, names: Sequence[str], to: str) -> tuple[int, int]:
    """Send files to the Hugging Face Hub, whose client skips files that are there and resumes uploads."""
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise DatasetError("huggingface_hub is missing; install it with: pip install -e '.[share]'") from None
    name, _, revision = to.removeprefix(HUB).strip("/").partition("@")
    if name.count("/") != 1:
        raise DatasetError(f"{to} is not hf://datasets/OWNER/NAME")
    hub = huggingface_hub.HfApi()
    try:
        hub.create_repo(name, repo_type="dataset", exist_ok=True)
        hub.upload_folder(
            repo_id=name,
            folder_path=root,
            repo_type="dataset",
            revision=revision or None,
            allow_patterns=[escape(n) for n in names],
        )
    except Exception as error:  # network, rights, quota: the client has many
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise DatasetError(f"{to} refused the upload ({why}); check name and network, or log in with: hf auth login") from None
    return len(names), 0
