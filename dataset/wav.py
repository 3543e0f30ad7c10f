"""WAV files that end before their header says, which libsndfile reads as if they were whole."""

from __future__ import annotations

import struct
from pathlib import Path

STREAMED = 0x7FFFF000
"""Programs that write to a pipe, and do not know the length, declare at least this many bytes."""


def missing_bytes(path: Path) -> int:
    """Return the number of bytes of sound that a RIFF/WAVE file declares and does not hold; 0 for other files.

    Chunks: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991). A declared length of 0, or of
    STREAMED and more, is unknown. Raise OSError where the file cannot be read.
    """
    total = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF" or file.read(8)[4:] != b"WAVE":
            return 0
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name == b"data":
                return max(0, file.tell() + size - total) if 0 < size < STREAMED else 0
            file.seek(size + size % 2, 1)
    return 0
