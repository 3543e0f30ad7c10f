"""Licences: known words are recognised, what forbids publishing is named, and the whole is no freer than its parts."""

import pytest

from dataset.publish.licences import UNKNOWN, Conflict, licence_of_whole, objections, recognise, sources_of


@pytest.mark.parametrize(
    ("credit", "name"),
    [
        ("CC0-1.0: dedicated to the public domain", "CC0-1.0"),
        ("bundled clips of sight-and-sound: CC0 1.0", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("LibriSpeech: CC BY 4.0", "CC-BY-4.0"),
        ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
        ("Creative Commons Attribution-NonCommercial-ShareAlike 3.0", "CC-BY-NC-SA-3.0"),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "CC-BY-NC-4.0"),
        ("MIT KEMAR: B. Gardner and K. Martin, MIT Media Lab, 1994; free for any use with citation", "LicenseRef-attribution"),
        ("absorption: pyroomacoustics' database (MIT), after M. Vorlaender, Auralization, 2008", "MIT"),
        ("MIT License", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("music by an unknown artist, CC0", "CC0-1.0"),
        ("recorded at MIT in 1994", "unknown"),
        ("my own work", "unknown"),
        ("licence unknown: no credit in the file and no LICENSE beside it", "unknown"),
    ],
)  # fmt: skip
def test_known_words(credit, name):
    assert recognise(credit).name == name


@pytest.mark.parametrize(
    "credit",
    [
        "Matterport3D: scene 17DRP5sb8fy, CC0",
        "HM3D 00009-vLpv2VX547B",
        "Replica apartment_0",
        "CC BY-NC-ND 4.0",
        "Creative Commons Attribution-NoDerivatives 4.0",
        "(c) 2020 Studio, all rights reserved",
        "nothing said",
    ],
)
def test_what_forbids(credit):
    assert recognise(credit).forbids


def manifest_of(scene="MIT License", clips="CC0"):
    return {"shards": [{"scene": "a"}, {"scene": "a"}], "scene_credits": {"a": scene}, "credits": {"clips": [clips]}}


@pytest.mark.parametrize(
    ("scene", "clips", "whole"),
    [
        ("CC0", "CC0", "CC0-1.0"),
        ("MIT License", "CC0", "CC-BY-4.0"),
        ("CC BY 4.0", "CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("CC BY 4.0", "CC BY-NC 4.0", "CC-BY-NC-4.0"),
        ("CC BY-NC 4.0", "CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0"),
    ],
)
def test_the_whole_is_as_strict_as_its_strictest_part(scene, clips, whole):
    sources = sources_of(manifest_of(scene, clips))
    assert not objections(sources)
    assert licence_of_whole(sources) == whole


@pytest.mark.parametrize("clips", ["CC BY-NC 4.0", "CC BY-NC-SA 4.0"])
def test_licences_that_exclude_each_other(clips):
    with pytest.raises(Conflict, match="exclude each other"):
        licence_of_whole(sources_of(manifest_of("CC BY-SA 4.0", clips)))


def test_uncredited_sources_are_objected_to():
    assert objections(sources_of(manifest_of("who knows"))) == ["scenes: 'a: who knows': its licence is not known"]
    missing = {"shards": [{"scene": "a"}], "credits": {}}
    assert len(objections(sources_of(missing))) == 2  # the scene and the clips


def test_the_publisher_may_name_a_licence_but_not_overrule_one():
    named = sources_of(manifest_of("my own work"), {"a": "CC BY 4.0, by me"})
    assert not objections(named) and licence_of_whole(named) == "CC-BY-4.0"
    assert objections(sources_of(manifest_of("HM3D 00009"), {"scenes": "CC BY 4.0"}))
    assert recognise("CC BY 4.0, by me") is not UNKNOWN


def test_scenes_are_credited_with_their_shards():
    # As python -m simulator.render writes it: the credit of a scene lies with each of its shards.
    shards = [{"scene": "a", "credit": "CC BY 4.0, A. Builder"}, {"scene": "b", "credit": ""}]
    found = {
        s.credit: s.licence.name for s in sources_of({"shards": shards, "credits": {"clips": ["CC0"]}}) if s.kind == "scenes"
    }
    assert found == {"a: CC BY 4.0, A. Builder": "CC-BY-4.0", "b: licence unknown": "unknown"}
