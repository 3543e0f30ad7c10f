"""The licence of a data set from the credits of its sources, or the reasons why it must not be published.

A rendered picture or sound is derived from its scene, clip and head-related responses. Publishing it requires permission to
redistribute derived works, and the data set can be no freer than its strictest source. Licences are recognised by their usual
names; this is not legal advice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Licence:
    """The conditions of a licence on the redistribution of derived works."""

    name: str
    """SPDX identifier where there is one."""
    attribution: bool = False
    noncommercial: bool = False
    sharealike: bool = False
    forbids: str = ""
    """Why derived works must not be published; empty where they may."""


@dataclass(frozen=True)
class Source:
    """One source of a data set."""

    kind: str
    """scenes, clips, hrtf, materials or acoustics."""
    credit: str
    licence: Licence


class Conflict(Exception):
    """Sources whose licences exclude each other; the message names them."""


UNKNOWN = Licence("unknown", forbids="its licence is not known")
ND = Licence("CC-BY-ND", forbids="its licence allows no derived works (ND)")
TERMS = (
    # The first match decides. The terms of scans of real homes forbid redistribution of what is made from them.
    (r"matterport|hm3d|\bgibson\b|\bmp3d\b", "its terms of use forbid the redistribution of renderings of the scans"),
    (r"replica(?!_?cad)", "its research terms require the owner's permission to redistribute renderings"),
    (r"all rights reserved|no redistribution|not (?:be )?redistribut|confidential", "its terms forbid redistribution"),
)  # fmt: skip
FREE = (
    (r"free for any use", Licence("LicenseRef-attribution", attribution=True)),
    (r"public domain|unlicen[sc]e|\bPDDL\b", Licence("CC0-1.0")),
    (r"apache[- ]?(?:licen[sc]e)?[-, ]*(?:version )?2", Licence("Apache-2.0", attribution=True)),
    (r"\bBSD\b", Licence("BSD-3-Clause", attribution=True)),
    (r"\(MIT\)|\bMIT licen[sc]e|licen[sc]ed?:? (?:under )?MIT\b|^MIT$|: MIT$", Licence("MIT", attribution=True)),
)  # fmt: skip
ADDRESS = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "CC-BY-NC-SA-4.0": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
}
"""The possible licences of a data set, and their texts."""


def recognise(credit: str) -> Licence:
    """Return the licence that a credit names; UNKNOWN where none is recognised."""
    for pattern, why in TERMS:
        if re.search(pattern, credit, re.IGNORECASE):
            return Licence("proprietary", forbids=why)
    if re.search(r"licen[cs]e:? (?:is )?unknown|^unknown", credit, re.IGNORECASE):
        return UNKNOWN
    return _creative_commons(credit) or next((x for p, x in FREE if re.search(p, credit, re.IGNORECASE)), UNKNOWN)


def _creative_commons(credit: str) -> Licence | None:
    words = re.sub(r"[\s_/]+", "-", credit.lower())
    if re.search(r"\bcc-?0|creative-?commons-(?:cc-?)?zero|publicdomain-zero", words):
        return Licence("CC0-1.0")
    found = re.search(r"(?:\bcc-?|creativecommons.org-licenses-|creative-commons-)(?:by|attribution)\b([a-z-]*)", words)
    if found is None:
        return None
    more = found[1]
    version = re.search(r"[1-4]\.[0-9]", credit[credit.lower().find("c") :])
    if re.search(r"-nd\b|noderiv", more):
        return ND
    noncommercial, sharealike = (
        bool(re.search(r"-nc\b|noncommercial|non-commercial", more)),
        bool(re.search(r"-sa\b|share-?alike", more)),
    )
    name = "CC-BY" + "-NC" * noncommercial + "-SA" * sharealike + (f"-{version[0]}" if version else "")
    return Licence(name, True, noncommercial, sharealike)


def sources_of(manifest: Mapping[str, Any], stated: Mapping[str, str] | None = None) -> list[Source]:
    """Return the sources of a data set, each credit once.

    stated: licence and credit, stated by the publisher, of sources whose credit names no licence, by kind (clips) or by scene; it
    replaces an unknown licence, never one that forbids publication.
    """
    stated = dict(stated or {})
    credits = dict(manifest.get("credits", {}))
    # The renderer stores the credit of a scene with its shards; converted data sets list scenes separately.
    per_scene = {s["scene"]: s["credit"] or "licence unknown" for s in manifest["shards"] if "credit" in s}
    per_scene |= manifest.get("scene_credits", {})
    scenes = {s["scene"] for s in manifest["shards"]}
    pairs = [
        ("scenes", scene, str(per_scene.get(scene, "unknown: the manifest credits no such scene"))) for scene in sorted(scenes)
    ]
    for kind in ("clips", "hrtf", "materials", "acoustics"):
        pairs += [(kind, kind, str(c)) for c in dict.fromkeys(credits.get(kind, []))]
    if not credits.get("clips"):
        pairs.append(("clips", "clips", "unknown: the manifest credits no clips"))
    found: dict[tuple[str, str], Licence] = {}
    named: dict[tuple[str, str], list[str]] = {}
    for kind, name, credit in pairs:
        licence = recognise(credit)
        own = stated.get(name, stated.get(kind))
        if licence is UNKNOWN and own is not None:
            licence, credit = recognise(own), own
        found[kind, credit] = licence
        named.setdefault((kind, credit), []).append(name)
    return [Source(kind, _with_scenes(kind, credit, named[kind, credit]), x) for (kind, credit), x in found.items()]


def _with_scenes(kind: str, credit: str, names: list[str]) -> str:
    if kind != "scenes":
        return credit
    some = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"{some}: {credit}"


def objections(sources: list[Source]) -> list[str]:
    """Return the reason for each source that must not be published."""
    return [f"{s.kind}: {s.credit!r}: {s.licence.forbids}" for s in sources if s.licence.forbids]


def licence_of_whole(sources: list[Source]) -> str:
    """Return the freest licence (a key of ADDRESS) that all sources allow; raise Conflict where there is none."""
    licences = [s.licence for s in sources]
    alike = {(x.noncommercial, x.sharealike): x.name for x in licences if x.sharealike}
    noncommercial = any(x.noncommercial for x in licences)
    if len(alike) > 1 or (noncommercial and (False, True) in alike):
        names = ", ".join(sorted({x.name for x in licences if x.sharealike or x.noncommercial}))
        raise Conflict(f"its sources' licences exclude each other ({names}): no licence of the data set satisfies them")
    if noncommercial:
        return "CC-BY-NC-SA-4.0" if alike else "CC-BY-NC-4.0"
    if alike:
        return "CC-BY-SA-4.0"
    return "CC-BY-4.0" if any(x.attribution for x in licences) else "CC0-1.0"
