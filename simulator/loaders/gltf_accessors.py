"""The binary side of glTF 2.0: buffers, views and accessors as arrays, Draco-compressed primitives decoded."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from simulator.errors import InputError

try:
    import DracoPy as draco
except ImportError:  # optional extra `scans`
    draco = None

QUANTIZATION = "KHR_mesh_quantization"
DRACO = "KHR_draco_mesh_compression"
HAS_DRACO = draco is not None
DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
FULL_SCALE = {5120: 127.0, 5121: 255.0, 5122: 32767.0, 5123: 65535.0}
"""Integer that represents 1 where values are normalised (glTF 2.0, section 3.6.2.2)."""
Files = Callable[[str], bytes]
"""Returns the bytes of a file that the scene refers to by name; raises OSError if it is missing."""


MOST_ZEROS = 1 << 24
"""Most values of an accessor without data, which are zero."""


def entry(header: dict[str, Any], kind: str, index: Any) -> dict[str, Any]:
    """Return an entry of one of the header's lists; raise ValueError for an index that is not in it."""
    entries = header.get(kind, [])
    if not isinstance(index, int) or not 0 <= index < len(entries):
        raise ValueError(f"{kind} has {len(entries)} entries; {index!r} is not an index of them")
    return entries[index]


class Geometry:
    """Reads the accessors of one file.

    header: its JSON. chunk: the binary chunk of a .glb, else empty.
    """

    def __init__(self, path: Path, header: dict[str, Any], chunk: bytes, files: Files) -> None:
        self._path, self._header, self._files = path, header, files
        self._buffers = [self._buffer(b, chunk) for b in header.get("buffers", [])]

    def attribute(self, primitive: dict[str, Any], name: str) -> np.ndarray | None:
        """Return a primitive's attribute, (N, width) float64, None if absent; integers are not normalised."""
        if name not in primitive["attributes"]:
            return None
        return self._raw(primitive, name, primitive["attributes"][name]).astype(np.float64)

    def unit(self, primitive: dict[str, Any], name: str) -> np.ndarray | None:
        """Return texture coordinates or colours, (N, width) float64: integers are normalised.

        With KHR_mesh_quantization, integer texture coordinates that do not state so count texels of a texture transform.
        """
        values = self.attribute(primitive, name)
        if values is None:
            return None
        accessor = entry(self._header, "accessors", primitive["attributes"][name])
        quantized = QUANTIZATION in [*self._header.get("extensionsUsed", []), *self._header.get("extensionsRequired", [])]
        if name.startswith("TEXCOORD") and quantized and not accessor.get("normalized"):
            return values
        return values / FULL_SCALE.get(accessor["componentType"], 1.0)

    def positions(self, primitive: dict[str, Any]) -> np.ndarray:
        """Return a primitive's vertices, (N, 3) float64, in its node's frame."""
        values = self.attribute(primitive, "POSITION")
        assert values is not None
        return self._normalized(primitive["attributes"]["POSITION"], values)

    def scaled(self, index: int) -> np.ndarray:
        """Return an accessor as (count, width) float64, normalised where it says so."""
        return self._normalized(index, self.array(index).astype(np.float64))

    def triangles(self, primitive: dict[str, Any], count: int) -> np.ndarray:
        """Return the (K, 3) faces of a primitive of `count` vertices: triangles, a strip or a fan."""
        if DRACO in primitive.get("extensions", {}):
            return np.asarray(self._draco(primitive).faces, np.int64)
        index = np.arange(count)
        if "indices" in primitive:
            index = self.array(primitive["indices"])[:, 0].astype(np.int64)
        mode = primitive.get("mode", 4)
        if mode == 4:
            return index[: len(index) // 3 * 3].reshape(-1, 3)
        k = np.arange(len(index) - 2)
        if mode == 5:  # the winding alternates along a strip
            return index[np.stack([k, k + 1 + k % 2, k + 2 - k % 2], -1)]
        return index[np.stack([k + 1, k + 2, np.zeros_like(k)], -1)]

    def view(self, index: int) -> bytes:
        """Return the bytes of a buffer view."""
        view = entry(self._header, "bufferViews", index)
        start = view.get("byteOffset", 0)
        return self._buffer_of(view)[start : start + view["byteLength"]]

    def array(self, index: int) -> np.ndarray:
        """Return an accessor as an array (count, width) of its own type, with sparse values substituted."""
        accessor = entry(self._header, "accessors", index)
        kind, count, width = accessor["componentType"], accessor["count"], WIDTHS[accessor["type"]]
        if "bufferView" in accessor:
            values = self._strided(accessor["bufferView"], accessor.get("byteOffset", 0), kind, count, width)
        elif count * width > MOST_ZEROS:
            raise ValueError(f"accessor {index} has {count} elements without data")
        else:
            values = np.zeros((count, width), DTYPES[kind])
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            rows, put = sparse["indices"], sparse["values"]
            at = self._strided(rows["bufferView"], rows.get("byteOffset", 0), rows["componentType"], sparse["count"], 1)
            if at.size and int(at.min()) < 0:  # would count from the end
                raise ValueError(f"accessor {index} has a negative index of a sparse value")
            values = values.copy()
            values[at[:, 0]] = self._strided(put["bufferView"], put.get("byteOffset", 0), kind, sparse["count"], width)
        return values

    def fetch(self, uri: str) -> bytes:
        """Return the bytes behind a URI: embedded in it, or a file beside the scene."""
        if uri.startswith("data:"):
            return base64.b64decode(uri.split(",", 1)[1])
        return self._files(unquote(uri))

    def _raw(self, primitive: dict[str, Any], name: str, accessor: int) -> np.ndarray:
        packed = primitive.get("extensions", {}).get(DRACO, {}).get("attributes", {})
        if name not in packed:
            return self.array(accessor)
        return np.asarray(self._draco(primitive).get_attribute_by_unique_id(packed[name])["data"])

    def _draco(self, primitive: dict[str, Any]) -> Any:
        index = primitive["extensions"][DRACO]["bufferView"]
        if getattr(self, "_decoded", (None, None))[0] != index:
            self._decoded = index, draco.decode(self.view(index))
        return self._decoded[1]

    def _strided(self, view: int, offset: int, kind: int, count: int, width: int) -> np.ndarray:
        """Return `count` rows at a view's stride, without copying; raise ValueError for rows outside the buffer."""
        found, dtype = entry(self._header, "bufferViews", view), np.dtype(DTYPES[kind])
        stride = found.get("byteStride", width * dtype.itemsize)
        start, buffer = found.get("byteOffset", 0) + offset, self._buffer_of(found)
        if min(count, start) < 0 or stride < width * dtype.itemsize or start + stride * (count - 1) >= len(buffer):
            raise ValueError(f"an accessor of {count} elements lies outside its buffer of {len(buffer)} bytes")
        return np.ndarray((count, width), dtype, buffer, start, (stride, dtype.itemsize))

    def _buffer_of(self, view: dict[str, Any]) -> bytes:
        entry(self._header, "buffers", view["buffer"])
        return self._buffers[view["buffer"]]

    def _normalized(self, index: int, values: np.ndarray) -> np.ndarray:
        accessor = entry(self._header, "accessors", index)
        return values / FULL_SCALE[accessor["componentType"]] if accessor.get("normalized") else values

    def _buffer(self, buffer: dict[str, Any], chunk: bytes) -> bytes:
        uri = buffer.get("uri")
        try:
            data = chunk if uri is None else self.fetch(uri)
        except OSError:
            raise InputError(f"{self._path} needs the file {uri}, which is missing; put it beside the scene") from None
        if len(data) < buffer["byteLength"]:
            raise InputError(
                f"{self._path} is cut short: a buffer has {len(data)} of {buffer['byteLength']} bytes; copy it again"
            )
        return data
