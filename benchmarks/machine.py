"""The machine and the day of a measurement."""

from __future__ import annotations

import os
import platform
from datetime import date
from pathlib import Path

from simulator.run.cluster import cores


def describe() -> str:
    """Return one line for the head of a report: date, processor, cores, Python, and the load average of the last minute."""
    system = f"{platform.machine()}, {cores()} cores, {_processor()}, Python {platform.python_version()}"
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{date.today().isoformat()}: {system}{load}"


def _processor() -> str:
    if Path("/proc/cpuinfo").is_file():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"
