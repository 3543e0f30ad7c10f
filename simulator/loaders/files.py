"""Files and images that a scene file refers to, read from its folder only."""

from __future__ import annotations

import codecs
import io
import warnings
from pathlib import Path

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from simulator.errors import InputError

FORMATS = ("BMP", "JPEG", "PNG", "TGA", "WEBP")
"""Image formats that are opened; Pillow reads others through external programs."""


def path_beside(scene: Path, name: str, root: Path | None = None) -> Path:
    """Return the path that a scene file refers to relative to its folder.

    root: the folder in which it must lie; default: that of the scene file. Raise InputError for a path outside it, OSError for
    one that no file can have.
    """
    folder = scene.parent.resolve()
    try:
        target = (folder / name).resolve()
    except (ValueError, RuntimeError) as error:  # a NUL character, a circle of links
        raise OSError(f"{name!r} is not a usable path ({error})") from None
    if root is None and not target.is_relative_to(folder):
        raise InputError(f"{scene} refers to {name}, outside its folder; put the file beside the scene")
    if root is not None and not target.is_relative_to(root.resolve()):
        raise InputError(f"{scene} refers to {name}, outside {root}; put the file into that folder")
    return target


def read_beside(scene: Path, name: str) -> bytes:
    """Return the content of a regular file that a scene refers to by a path relative to its folder.

    Raise InputError for a path outside the folder, OSError for a missing file, a folder, a pipe or a device.
    """
    target = path_beside(scene, name)
    if not target.is_file():
        raise FileNotFoundError(f"{name} is not a file in {target.parent}")
    return target.read_bytes()


def content_beside(scene: Path, name: str) -> bytes:
    """Return what a scene's digest includes of a file that it refers to: its content, or b"missing"."""
    try:
        return read_beside(scene, name)
    except (InputError, OSError):
        return b"missing"


def decoded(data: bytes) -> str:
    """Return the text of a file that does not state its encoding: UTF-8, UTF-16 with a byte order mark, else Latin-1.

    Raise ValueError for text with NUL characters, such as UTF-16 without that mark.
    """
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise ValueError("it holds NUL characters, as UTF-16 text does; save it as UTF-8")
    return text


def open_image(data: bytes) -> Pillow.Image:
    """Open an image without decoding it; raise OSError for another format than those of FORMATS."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # the size is limited before decoding
            return Pillow.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise OSError(f"not a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image") from None
