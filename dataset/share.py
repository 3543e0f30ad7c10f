"""Prepare a data set for publication, and publish it.

    python -m dataset.share data/slfm --title "Furnished apartments" --author "Ada Example"
    python -m dataset.share data/slfm --to s3://bucket/slfm          (also hf://datasets/owner/name, or a folder)

Verifies the data set, collects the credits of scenes, clips and ears, and writes beside the shards README.md (a Hugging
Face dataset card), croissant.json (MLCommons Croissant), CITATION.cff, preview.jpg, block digests (which allow partial
downloads to be checked) and SHA256SUMS. Refuses a data set with problems, and one whose sources forbid publication. Where a
credit names no licence and you know it, specify it:

    python -m dataset.share data/slfm --licence-of "clips=CC BY 4.0, LibriSpeech, V. Panayotov et al., 2015"

The manifest stores title, authors, licences and so on; later calls need only the changes. Repeat an interrupted command to resume
its upload. Keys and endpoints come from the environment, as documented by s3fs (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL) and
huggingface_hub (HF_TOKEN).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataset.command import exit_status
from dataset.errors import DatasetError
from dataset.format.block_digests import describe_blocks
from dataset.format.documents import sha256_of
from dataset.format.manifest import NAME, PUBLISHED, SUMS, read_manifest, write_manifest
from dataset.publish import card, croissant
from dataset.publish.contact_sheet import draw_sheet
from dataset.publish.describe import PublicationMetadata, describe, today
from dataset.publish.licences import Conflict, Source, licence_of_whole, objections, sources_of
from dataset.reader import Dataset
from dataset.rewriting.resume import check_apart
from dataset.storage.upload import upload
from dataset.verify import verify

WRITTEN = (NAME, "README.md", croissant.FILE, "CITATION.cff", card.PICTURE)
MOST_NAMED = 5


def share(root: Path, metadata: PublicationMetadata, stated: dict[str, str] | None = None, progress: bool = False) -> list[str]:
    """Write the files of a publication beside the shards and return the files to publish, shards first, manifest last.

    Raise DatasetError where the data set has problems, or where a source forbids its publication.
    """
    manifest = read_manifest(root)
    if not manifest["shards"]:
        raise DatasetError(f"{root} has no shards; there is nothing to share")
    sources, licence = check_rights(root, manifest, stated)
    # Files of a previous run are written again; its list of checksums would no longer match.
    (root / SUMS).unlink(missing_ok=True)
    for shard in manifest["shards"]:
        shard.pop("blocks", None)
    manifest[PUBLISHED] = {**asdict(metadata), "licences": stated or {}}
    write_manifest(root, manifest)
    if problems := verify(root, progress, foreign_files=False):  # they are not published
        some = "\n  ".join(problems[:MOST_NAMED])
        more = f"\n  and {len(problems) - MOST_NAMED} more: python -m dataset.verify {root}" * (len(problems) > MOST_NAMED)
        raise DatasetError(f"{root} does not verify and must not be published:\n  {some}{more}")
    for shard in manifest["shards"]:
        shard["blocks"] = describe_blocks(root, shard)
    write_manifest(root, manifest)
    data = Dataset(root)
    described = describe(data, metadata, sources, licence)
    draw_sheet(data, root / card.PICTURE)
    (root / "README.md").write_text(card.card(described))
    (root / "CITATION.cff").write_text(card.citation(described))
    croissant.write(root / croissant.FILE, described)
    croissant.validate(root / croissant.FILE)
    shards = manifest["shards"]
    known = {s["path"]: s["sha256"] for s in shards}
    names = [*known, *(s["blocks"]["path"] for s in shards), *(n for n in WRITTEN if n != NAME), NAME]
    sums = {name: known.get(name) or sha256_of(root / name) for name in names}
    (root / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    return [*names[:-1], SUMS, NAME]


def check_rights(root: Path, manifest: dict[str, Any], stated: dict[str, str] | None = None) -> tuple[list[Source], str]:
    """Return the sources of a data set and its licence; raise DatasetError with the reasons where it must not be published."""
    sources = sources_of(manifest, stated)
    if why := objections(sources):
        hint = '\nif you know the licence, specify it: --licence-of "clips=CC BY 4.0, credit"' * any(
            "not known" in w for w in why
        )
        raise DatasetError(f"{root} must not be published:\n  " + "\n  ".join(why) + hint)
    try:
        return sources, licence_of_whole(sources)
    except Conflict as error:
        raise DatasetError(f"{root} must not be published: {error}") from None


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m dataset.share", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the data set (it holds manifest.json)")
    parser.add_argument(
        "--to", help="destination of an upload: hf://datasets/OWNER/NAME, s3://BUCKET/PATH, another fsspec address, or a folder"
    )
    parser.add_argument("--title", help="title of the data set (default: Sight and sound)")
    parser.add_argument("--author", action="append", default=[], help="an author; may be repeated")
    parser.add_argument("--about", help="description in one or two sentences (default: derived from the content)")
    parser.add_argument("--url", help="where it is published (default: --to, if that is an address)")
    parser.add_argument("--version", help="version of the data (default: 1.0.0)")
    parser.add_argument("--date", help="date of publication, ISO (default: the day on which this version is first shared)")
    parser.add_argument(
        "--licence-of", action="append", default=[], metavar="WHAT=LICENCE", help="licence and credit of clips, hrtf, materials, "
        "scenes or one scene by name, where the manifest's credit names none; may be repeated",
    )  # fmt: skip
    options = parser.parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.to and "://" not in options.to:
        check_apart(Path(options.to), [options.data])
    before = read_manifest(options.data).get(PUBLISHED, {})
    stated = {**before.get("licences", {}), **dict(_stated(text) for text in options.licence_of)}
    files = share(options.data, _metadata(options, before), stated, progress=True)
    print(f"{options.data}: ready, {len(files)} files; card: {options.data / 'README.md'}")
    if not croissant.validate(options.data / croissant.FILE):
        print("note: croissant.json was not validated; to install mlcroissant: pip install -e '.[share]'")
    if options.to:
        sent, kept = upload(options.data, files, options.to, progress=True)
        print(f"{options.to}: {sent} files sent, {kept} were there; check them: python -m dataset.verify {options.to}")
    return 0


def _metadata(options: argparse.Namespace, before: dict[str, Any]) -> PublicationMetadata:
    """Return the metadata of the options, else of an earlier publication, else the defaults."""
    authors = tuple(n.strip() for n in options.author if n.strip()) or tuple(before.get("authors", ()))
    there = options.to if options.to and "://" in options.to else ""
    first = before.get("date") if options.version in (None, before.get("version")) else None
    return PublicationMetadata(
        title=options.title or before.get("title") or "Sight and sound",
        authors=authors or ("authors not named",),
        url=options.url or there or before.get("url", ""),
        about=before.get("about", "") if options.about is None else options.about,
        version=options.version or before.get("version") or "1.0.0",
        date=options.date or first or today(),
    )


def _stated(text: str) -> tuple[str, str]:
    name, equals, licence = text.partition("=")
    if not (name and equals and licence):
        raise DatasetError(f"--licence-of {text!r} is not WHAT=LICENCE, such as 'clips=CC BY 4.0, credit'")
    return name.strip(), licence.strip()


if __name__ == "__main__":
    sys.exit(main())
