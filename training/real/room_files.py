"""Find and read measured rooms: SOFA files, and WAV or FLAC files with a CSV table of azimuths."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

from dataset.angles import wrap_180
from dataset.wav import missing_bytes
from training.errors import InputError
from training.real.room_sofa import read_room_sofa
from training.real.rooms import Room, checked, resampled

COLUMNS = ("file", "azimuth_deg")
OPTIONAL = ("room", "elevation_deg", "distance_m")


def find_rooms(source: Path, rate_hz: int) -> list[Room]:
    """Read all rooms of a SOFA file, a CSV table, or a folder of them, at a rate; raise InputError where there are none.

    Each SOFA file is a room. The responses of a table are grouped by its column `room`.
    """
    if not source.exists():
        raise InputError(f"--brirs {source} does not exist; name a folder with .sofa files or a .csv table, or one such file")
    files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.suffix.lower() in (".sofa", ".csv"))
    rooms: list[Room] = []
    for file in files:
        if file.suffix.lower() == ".sofa":
            rooms.append(checked(read_room_sofa(file, rate_hz), file))
        else:
            rooms += [checked(room, file) for room in read_table(file, rate_hz)]
    if not rooms:
        raise InputError(f"--brirs {source} holds neither .sofa files nor a .csv table with columns {', '.join(COLUMNS)}")
    return _distinct(rooms)


def read_table(path: Path, rate_hz: int) -> list[Room]:
    """Read the rooms of a CSV table of response files; raise InputError, naming the row, for what cannot be used.

    Columns: file (relative to the table's folder), azimuth_deg (left positive), and optionally room, elevation_deg (0) and
    distance_m.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            rows = list(table)
            names = [name.strip() for name in table.fieldnames or ()]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a readable CSV table ({error}); save it as comma-separated UTF-8 text") from None
    if not set(COLUMNS) <= set(names):
        raise InputError(f"{path} has columns {', '.join(names) or 'none'}; expected {', '.join(COLUMNS)} and optionally "
                         f"{', '.join(OPTIONAL)}")  # fmt: skip
    if not rows:
        raise InputError(f"{path} has no rows; name one response file a row")
    grouped: dict[str, list[tuple[np.ndarray, float, float, float]]] = {}
    for number, raw in enumerate(rows, 2):
        row = {name.strip(): (value or "").strip() for name, value in raw.items() if name is not None and isinstance(value, str)}
        where = f"{path} line {number}"
        angles = (_number(row, "azimuth_deg", where), _number(row, "elevation_deg", where, 0.0))
        found = (_read_response(path.parent / row["file"], rate_hz, where), *angles, _number(row, "distance_m", where, np.nan))
        grouped.setdefault(row.get("room") or path.stem, []).append(found)
    rooms = []
    for name, found_rows in grouped.items():
        responses, *columns = zip(*found_rows, strict=True)
        azimuth, elevation, distance = np.array(columns, float)
        rooms.append(Room(name, list(responses), wrap_180(azimuth), elevation, distance))
    return rooms


def _number(row: dict[str, str], name: str, where: str, missing: float | None = None) -> float:
    value = row.get(name, "")
    if not value and missing is not None:
        return missing
    try:
        number = float(value)
    except ValueError:
        raise InputError(f"{where}: {name} is {value!r}; a number is expected") from None
    if not np.isfinite(number):
        raise InputError(f"{where}: {name} is {value!r}; a finite number is expected")
    return number


def _read_response(path: Path, rate_hz: int, where: str) -> np.ndarray:
    """Read a response of two channels at a rate: (2, N) float32."""
    if not path.is_file():
        raise InputError(f"{where}: {path} does not exist; files are relative to the table's folder")
    try:
        response, rate = soundfile.read(path, dtype="float32", always_2d=True)
        missing = missing_bytes(path)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{where}: {path} is not a readable sound ({error}); a WAV or FLAC file is expected") from None
    if missing:
        raise InputError(f"{where}: {path} is cut off: {missing} bytes that its header declares are missing; copy it again")
    if response.shape[1] != 2:
        raise InputError(f"{where}: {path} has {response.shape[1]} channels; 2 are expected, left and right ear")
    return resampled(response, rate, rate_hz)


def _distinct(rooms: list[Room]) -> list[Room]:
    """Raise InputError if two rooms have one name, because their figures would be mixed."""
    names = [room.name for room in rooms]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"--brirs: several files have the room name {repeated[0]}; rename one of them")
    return rooms
