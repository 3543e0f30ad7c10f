"""Digests of a shard's blocks, so that a part fetched from afar can be checked without the rest.

Beside each shard lies blocks/<name>.sha256: the SHA-256 of each BLOCK bytes, 32 bytes each, one after the other. The
manifest names that file and its own SHA-256, so what is checked block by block is as sure as what is checked as a whole.
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
    """Hash a file by blocks and as a whole: the concatenated digests, and the whole's in hexadecimal."""
    whole = hashlib.sha256()
    parts = []
    with open(path, "rb") as file:
        while content := file.read(block):
            whole.update(content)
            parts.append(hashlib.sha256(content).digest())
    return b"".join(parts), whole.hexdigest()


def describe_blocks(root: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """Write the digests of a shard's blocks and give what the manifest says of them."""
    digests, _ = block_digests(root / entry["path"])
    path = root / FOLDER / (Path(entry["path"]).stem + ".sha256")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(digests)
    return {"path": path.relative_to(root).as_posix(), "bytes_each": BLOCK, "sha256": hashlib.sha256(digests).hexdigest()}


def split_digests(content: bytes) -> list[str]:
    """Take a file of digests apart: one hexadecimal digest a block."""
    return [content[k : k + WIDTH].hex() for k in range(0, len(content), WIDTH)]
