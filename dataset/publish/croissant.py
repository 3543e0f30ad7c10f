"""croissant.json: the data set described as MLCommons Croissant 1.1, with the responsible-AI vocabulary 1.0.

Shards are FileObjects with SHA-256; the shards of each split form a FileSet. Record sets: `splits`, `shards` (inline, so that
any Croissant reader can list them) and `sets`, whose fields are the HDF5 datasets of the shards (the column is the name).
Specification: docs.mlcommons.org/croissant. mlcroissant checks the result where it is installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.format.manifest import NAME
from dataset.format.schema import FIELDS, TEXT
from dataset.publish.describe import Description

FILE = "croissant.json"
CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        word: f"cr:{word}"
        for word in (
            "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject",
            "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5",
            "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
            "source", "subField", "transform",
        )
    },
}  # fmt: skip
TYPES = {"uint8": "cr:UInt8", "uint16": "cr:UInt16", "uint32": "cr:UInt32", "float32": "cr:Float32", TEXT: "sc:Text"}


def croissant(described: Description) -> dict[str, Any]:
    """Return the content of croissant.json."""
    d = described
    content: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": d.title,
        "description": d.about,
        "license": d.licence_url,
        "version": d.version,
        "datePublished": d.date,
        "citeAs": d.bibtex,
        "keywords": list(d.keywords),
        "creator": [{"@type": "sc:Person", "name": name} for name in d.authors],
        "distribution": [_manifest(d), *(_shard(s) for s in d.shards), *(_split(d, split) for split in d.splits)],
        "recordSet": [_splits(d), _shards(d), *(_sets(d, split) for split in d.splits)],
        **_responsible(d),
    }
    if d.url:
        content["url"] = d.url
    return content


def validate(path: Path) -> bool:
    """Check a file with mlcroissant and return whether it is installed; raise DatasetError where the file is not valid."""
    try:
        import mlcroissant
    except ModuleNotFoundError:
        return False
    try:
        issues = mlcroissant.Dataset(str(path)).metadata.ctx.issues
    except mlcroissant.ValidationError as error:
        raise DatasetError(f"{path} is not valid Croissant: {error}") from None
    if issues.errors:
        raise DatasetError(f"{path} is not valid Croissant: {issues.report()}")
    return True


def _manifest(d: Description) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": NAME, "name": NAME, "contentUrl": NAME, "encodingFormat": "application/json",
        "sha256": d.manifest_sha256, "description": "Shards with sizes, SHA-256, scenes and splits; settings; credits.",
    }  # fmt: skip


def _shard(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": entry["path"], "name": entry["path"].rsplit("/", 1)[-1], "contentUrl": entry["path"],
        "contentSize": f"{entry['bytes']} B", "encodingFormat": "application/x-hdf5", "sha256": entry["sha256"],
    }  # fmt: skip


def _split(d: Description, split: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet", "@id": f"{split}-shards", "name": f"{split}-shards", "encodingFormat": "application/x-hdf5",
        "includes": [s["path"] for s in d.shards if s["split"] == split],
        "description": f"The HDF5 shards of the {split} split.",
    }  # fmt: skip


def _splits(d: Description) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet", "@id": "splits", "name": "splits", "dataType": "cr:Split", "key": {"@id": "splits/name"},
        "description": "Whole scenes are assigned to splits: no scene is in two splits.",
        "field": [_inline("splits/name", "sc:Text", "train, val or test"), _inline("splits/sets", "cr:Int64", "number of sets")],
        "data": [{"splits/name": split, "splits/sets": d.sets[split]} for split in d.splits],
    }  # fmt: skip


def _shards(d: Description) -> dict[str, Any]:
    columns = {"path": "sc:Text", "sha256": "sc:Text", "scene": "sc:Text", "split": "sc:Text", "sets": "cr:Int64"}
    return {
        "@type": "cr:RecordSet", "@id": "shards", "name": "shards", "key": {"@id": "shards/path"},
        "description": "The HDF5 files with their checksums.",
        "field": [_inline(f"shards/{name}", kind, f"{name} of the shard") for name, kind in columns.items()],
        "data": [{f"shards/{name}": entry[name] for name in columns} for entry in d.shards],
    }  # fmt: skip


def _inline(name: str, kind: str, meaning: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name, "dataType": kind, "description": meaning}


def _sets(d: Description, split: str) -> dict[str, Any]:
    fields = []
    for name, shape in d.shapes.items():
        field = FIELDS[name]
        one: dict[str, Any] = {
            "@type": "cr:Field", "@id": f"{split}/{name}", "name": f"{split}/{name}", "dataType": TYPES[field.dtype],
            "description": f"{field.meaning} ({field.unit})" if field.unit else field.meaning,
            "source": {"fileSet": {"@id": f"{split}-shards"}, "extract": {"column": name}},
        }  # fmt: skip
        if shape:
            one |= {"isArray": True, "arrayShape": ",".join(str(n) for n in shape)}
        fields.append(one)
    about = f"The sets of the {split} split: one row in every HDF5 dataset of a shard."
    return {"@type": "cr:RecordSet", "@id": split, "name": split, "description": about, "field": fields}


def _responsible(d: Description) -> dict[str, Any]:
    return {
        "rai:dataCollection": d.method,
        "rai:dataCollectionType": ["Software Collection", "Others"],
        "rai:dataCollectionRawData": "; ".join(s.credit for s in d.sources),
        "rai:dataCollectionMissingData": d.missing,
        "rai:dataPreprocessingProtocol": list(d.processing),
        "rai:dataAnnotationProtocol": [
            "Positions, headings, angles, depth, instances and impulse responses are exact by construction: they come from the "
            "simulation that rendered pictures and sounds. There are no manual annotations."
        ],
        "rai:machineAnnotationTools": [f"{name} {number}" for name, number in d.software.items()],
        "rai:dataUseCases": list(d.uses),
        "rai:dataLimitations": list(d.limitations),
        "rai:dataBiases": list(d.biases),
        "rai:personalSensitiveInformation": [d.personal],
        "rai:dataSocialImpact": d.impact,
        "rai:dataReleaseMaintenancePlan": d.maintenance,
    }


def write(path: Path, described: Description) -> None:
    """Write croissant.json."""
    path.write_text(json.dumps(croissant(described), indent=1) + "\n")
