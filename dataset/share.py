"""Make a data set ready to publish, and publish it.

    python -m dataset.share data/slfm --title "Rooms heard and seen" --author "Ada Example"
    python -m dataset.share data/slfm --to s3://bucket/slfm          (also hf://datasets/owner/name, or a folder)

Verifies the data set, gathers the credits of scenes, clips and ears, and writes beside the shards README.md (a Hugging
Face dataset card), croissant.json (MLCommons Croissant), CITATION.cff, preview.jpg, digests of blocks (so that others can
read parts of it from afar, checked) and SHA256SUMS. Refuses a data set with problems, and one whose sources do not allow
it. Where a credit names no licence, say what you know:

    python -m dataset.share data/slfm --licence-of "clips=CC BY 4.0, LibriSpeech, V. Panayotov et al., 2015"

The manifest remembers what was said of the data set (title, authors, licences, ...): only changes need saying again. An upload
that was interrupted goes on where it stopped when the command is given again. Keys and endpoints come from the environment,
as usual for s3fs (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL) and huggingface_hub (HF_TOKEN).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataset.errors import DatasetError
from dataset.format.block_digests import describe_blocks
from dataset.format.manifest import NAME, PUBLISHED, SUMS, read_manifest, sha256_of, write_manifest
from dataset.publish import card, croissant
from dataset.publish.contact_sheet import draw_sheet
from dataset.publish.describe import Words, describe, today
from dataset.publish.licences import Conflict, Source, licence_of_whole, objections, sources_of
from dataset.reader import Dataset
from dataset.storage.upload import upload
from dataset.verify import verify

WRITTEN = (NAME, "README.md", croissant.FILE, "CITATION.cff", card.PICTURE)
MOST_NAMED = 5


def share(root: Path, words: Words, stated: dict[str, str] | None = None, progress: bool = False) -> list[str]:
    """Write what a publisher needs beside the shards and give the files to publish, shards first, manifest last.

    Raise DatasetError where the data set does not verify, or where a source forbids to publish it.
    """
    manifest = read_manifest(root)
    if not manifest["shards"]:
        raise DatasetError(f"{root} has no shards; there is nothing to share")
    sources, licence = check_rights(root, manifest, stated)
    # What an earlier run wrote is written anew: only its list of checksums would stand in the way.
    (root / SUMS).unlink(missing_ok=True)
    for shard in manifest["shards"]:
        shard.pop("blocks", None)
    manifest[PUBLISHED] = {**asdict(words), "licences": stated or {}}
    write_manifest(root, manifest)
    if problems := verify(root, progress):
        some = "\n  ".join(problems[:MOST_NAMED])
        more = f"\n  and {len(problems) - MOST_NAMED} more: python -m dataset.verify {root}" * (len(problems) > MOST_NAMED)
        raise DatasetError(f"{root} does not verify and must not be published:\n  {some}{more}")
    for shard in manifest["shards"]:
        shard["blocks"] = describe_blocks(root, shard)
    write_manifest(root, manifest)
    data = Dataset(root)
    described = describe(data, words, sources, licence)
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
    """Return the sources of a data set and the licence of the whole; DatasetError where there is none, with the reasons."""
    sources = sources_of(manifest, stated)
    if why := objections(sources):
        hint = '\nwhere you know the licence, name it: --licence-of "clips=CC BY 4.0, credit"' * any(
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
        "--to", help="upload it there: hf://datasets/OWNER/NAME, s3://BUCKET/PATH, another fsspec address, or a folder"
    )
    parser.add_argument("--title", help="what the data set is called (default: Sight and sound)")
    parser.add_argument("--author", action="append", default=[], help="an author; may be repeated")
    parser.add_argument("--about", help="a sentence or two for the top of the card (default: from its content)")
    parser.add_argument("--url", help="where people find it (default: --to, where that is an address)")
    parser.add_argument("--version", help="version of the data (default 1.0.0)")
    parser.add_argument("--date", help="date of publication, ISO (default: the day this version is first shared)")
    parser.add_argument(
        "--licence-of", action="append", default=[], metavar="WHAT=LICENCE", help="licence and credit of clips, hrtf, materials, "
        "scenes or one scene by name, where the manifest's credit names none; may be repeated",
    )  # fmt: skip
    options = parser.parse_args(argv)
    try:
        said = read_manifest(options.data).get(PUBLISHED, {})
        stated = {**said.get("licences", {}), **dict(_stated(text) for text in options.licence_of)}
        words = _words(options, said)
        files = share(options.data, words, stated, progress=True)
        print(f"{options.data}: ready, {len(files)} files; what is told of it: {options.data / 'README.md'}")
        if not croissant.validate(options.data / croissant.FILE):
            print("note: croissant.json was not validated; pip install -e '.[share]' brings mlcroissant")
        if options.to:
            sent, kept = upload(options.data, files, options.to, progress=True)
            print(f"{options.to}: {sent} files sent, {kept} were there; prove it: python -m dataset.verify {options.to}")
    except (DatasetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _words(options: argparse.Namespace, said: dict[str, Any]) -> Words:
    """Return what the publisher says now, or said before, or else what goes without saying."""
    authors = tuple(n.strip() for n in options.author if n.strip()) or tuple(said.get("authors", ()))
    there = options.to if options.to and "://" in options.to else ""
    first = said.get("date") if options.version in (None, said.get("version")) else None
    return Words(
        title=options.title or said.get("title") or "Sight and sound",
        authors=authors or ("authors not named",),
        url=options.url or there or said.get("url", ""),
        about=said.get("about", "") if options.about is None else options.about,
        version=options.version or said.get("version") or "1.0.0",
        date=options.date or first or today(),
    )


def _stated(text: str) -> tuple[str, str]:
    name, equals, licence = text.partition("=")
    if not (name and equals and licence):
        raise DatasetError(f"--licence-of {text!r} is not WHAT=LICENCE, such as 'clips=CC BY 4.0, credit'")
    return name.strip(), licence.strip()


if __name__ == "__main__":
    sys.exit(main())
