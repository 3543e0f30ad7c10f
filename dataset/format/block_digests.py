"""Digests of a shard's blocks, so that a partial download can be checked without the rest.

blocks/<name>.sha256 holds the SHA-256 of each BLOCK bytes of a shard, 32 bytes each, concatenated. The manifest names that file
and its SHA-256, so a check by blocks is as strong as a check of the whole file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

FOLDER = "blocks"
BLOCK = 1 << 18
WIDTH = 32
"""Bytes of one digest."""


def block_digests(path: Path, block: int = BLOCK) -> tuple[bytes, str]:
    """Return the concatenated digests of a file's blocks, and the digest of the whole file in hexadecimal."""
    whole = hashlib.sha256()
    parts = []
    with open(path, "rb") as file:
        while content := file.read(block):
            whole.update(content)
            parts.append(hashlib.sha256(content).digest())
    return b"".join(parts), whole.hexdigest()


def describe_blocks(root: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """Write the digests of a shard's blocks and return their entry for the manifest."""
    digests, _ = block_digests(root / entry["path"])
    path = root / FOLDER / (Path(entry["path"]).stem + ".sha256")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(digests)
    return {"path": path.relative_to(root).as_posix(), "bytes_each": BLOCK, "sha256": hashlib.sha256(digests).hexdigest()}


def split_digests(content: bytes) -> list[str]:
    """Split a file of digests: one hexadecimal digest per block."""
    return [content[k : k + WIDTH].hex() for k in range(0, len(content), WIDTH)]
