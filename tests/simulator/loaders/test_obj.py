"""OBJ files and their material libraries, statement by statement."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from simulator.errors import InputError
from simulator.loaders.load import load_scene, scene_digest
from simulator.loaders.mtl import parse_mtl, parse_texture
from simulator.loaders.obj import read_obj

CORNERS = [(-1, 1, -2), (1, 1, -2), (-1, -1, -2), (1, -1, -2)]
PAINT = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
QUAD = "".join(f"v {x} {y} {z}\n" for x, y, z in CORNERS)
UV = "vt 0 1\nvt 1 1\nvt 0 0\nvt 1 0\n"
FACE = "f 1/1 3/3 4/4 2/2\n"


@pytest.fixture
def write(tmp_path):
    """Write an OBJ file, with a picture and libraries beside it, and give its path."""

    def write(text, **libraries):
        colors = np.kron(np.uint8([[PAINT[0], PAINT[1]], [PAINT[2], PAINT[3]]]), np.ones((16, 16, 1), np.uint8))
        Image.fromarray(colors).save(tmp_path / "paint.png")
        for name, content in libraries.items():
            (tmp_path / f"{name}.mtl").write_text(content)
        path = tmp_path / "scene.obj"
        path.write_text(text)
        return path

    return write


def quarters(rgb):
    n = len(rgb) // 4
    return [tuple(int(x) for x in rgb[y, x]) for y in (n, 3 * n) for x in (n, 3 * n)]


def materials(scene):
    return [m for _, m in scene.surfaces]


class TestFaces:
    def test_negative_indices_count_from_the_vertices_so_far(self, write):
        block = "v {0} 0 0\nv {0} 1 0\nv {0} 0 1\nf -3 -2 -1\n"
        mesh = read_obj(write("o a\n" + block.format(0) + "o b\n" + block.format(5)))
        assert [p.name for p in mesh.parts] == ["a", "b"]
        assert [set(p.vertices[:, 0]) for p in mesh.parts] == [{0.0}, {5.0}]

    def test_negative_texture_coordinates(self, write, look):
        text = "mtllib m.mtl\nusemtl m\n" + QUAD + UV + "f -4/-4 -2/-2 -1/-1 -3/-3\n"
        assert quarters(look(load_scene(write(text, m="newmtl m\nmap_Kd paint.png\n"))).rgb[0]) == PAINT

    @pytest.mark.parametrize(
        "face", ["1 3 4 2", "1//1 3//1 4//1 2//1", "1/1 3/3 4/4 2/2", "1/1/1 3/3/1 4/4/1 2/2/1", "1 3/3 4//1 2/2/1"]
    )
    def test_every_form_of_a_corner(self, write, face):
        scene = load_scene(write(QUAD + UV + f"vn 0 0 1\nf {face}\n"))
        assert scene.areas.sum() == pytest.approx(4.0)

    @pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["dos", "old mac"])
    def test_every_end_of_a_line(self, write, end):
        path = write("")
        path.write_bytes((QUAD + "f 1 3 4 2\n").replace("\n", end).encode())
        assert load_scene(path).areas.sum() == pytest.approx(4.0)

    def test_a_statement_goes_on_after_a_backslash_and_a_comment_does_not(self, write):
        split = "# from C:\\models\\\n" + QUAD + "f 1 3 \\\n4 \\\n2\n# C:\\\nf 1 3 4\n"
        assert load_scene(write(split)).areas.sum() == pytest.approx(6.0)

    @pytest.mark.parametrize("face", ["0 1 2", "1/0 2/1 3/1", "1//0 2//1 3//1"])
    def test_index_0_is_refused(self, write, face):
        with pytest.raises(InputError, match="OBJ indices start at 1"):
            load_scene(write(QUAD + UV + f"f {face}\n"))

    @pytest.mark.parametrize(("face", "what"), [("1 2 9", "vertex"), ("1 2 -5", "vertex"), ("1/1 2/2 3/9", "texture coordinate")])
    def test_index_beyond_the_file_is_named_with_its_line(self, write, face, what):
        with pytest.raises(InputError, match=f"line 9: the corner .* points at a missing {what}"):
            load_scene(write(QUAD + UV + f"f {face}\n"))

    @pytest.mark.parametrize(
        "text", ["v 0 0\nf 1 1 1\n", "v 0 0 x\nf 1 1 1\n", QUAD + "f a b c\n", QUAD + "f 99999999999999999999 1 2\n"]
    )
    def test_what_is_no_number_is_refused_in_one_line(self, write, text):
        with pytest.raises(InputError, match=r"scene\.obj is not a readable .obj mesh") as error:
            load_scene(write(text))
        assert "\n" not in str(error.value)

    def test_a_face_may_come_before_its_vertices(self, write):
        assert load_scene(write("f 1 3 4 2\n" + QUAD)).areas.sum() == pytest.approx(4.0)

    def test_lines_may_be_continued_and_commented(self, write):
        scene = load_scene(write("# f 1 2 3\n" + QUAD + "f 1 3 \\\n4 2 # the wall\n"))
        assert len(scene.faces) == 2

    def test_vertex_colours(self, write, look):
        text = "".join(f"v {x} {y} {z} 0.2 0.4 1.0\n" for x, y, z in CORNERS) + "f 1 3 4 2\n"
        assert (look(load_scene(write(text))).rgb[0] == (51, 102, 255)).all()

    def test_points_and_lines_are_skipped_with_a_note(self, write):
        scene = load_scene(write(QUAD + "p 1\nl 1 2\nf 1 3 4 2\n"))
        assert len(scene.faces) == 2 and "2 points, lines or curves skipped" in scene.notes

    def test_parts_are_named_after_object_and_material(self, write):
        text = QUAD + "o desk\nusemtl oak\nf 1 3 4\nusemtl steel\nf 1 4 2\no lamp\nf 1 2 3\n"
        assert load_scene(write(text)).instances == ("desk_oak", "desk_steel", "lamp_steel")
        assert load_scene(write(QUAD + "f 1 3 4 2\n")).instances == ("scene",)


class TestLibraries:
    def test_a_missing_library_keeps_the_names_of_materials(self, write):
        scene = load_scene(write("mtllib gone.mtl\n" + QUAD + "usemtl carpet\nf 1 3 4 2\n"))
        assert materials(scene) == ["carpet"]
        assert any("gone.mtl" in n and "missing" in n for n in scene.notes)
        assert any("1 materials (carpet) are defined in no material library" in n for n in scene.notes)

    @pytest.mark.parametrize("statement", ["mtllib a.mtl\nmtllib b.mtl", "mtllib a.mtl b.mtl"])
    def test_several_libraries(self, write, statement):
        text = f"{statement}\n{QUAD}usemtl red\nf 1 3 4\nusemtl blue\nf 1 4 2\n"
        scene = load_scene(write(text, a="newmtl red\nKd 1 0 0\n", b="newmtl blue\nKd 0 0 1\n"))
        assert scene.materials.base_color.tolist() == [[1, 0, 0, 1], [0, 0, 1, 1]] and scene.notes == ()

    @pytest.mark.parametrize(
        ("statement", "file"),
        [
            ("my room.mtl", "my room.mtl"),
            ("my\\ room.mtl", "my room.mtl"),
            ('"my room.mtl"', "my room.mtl"),
            ("my%20room.mtl", "my room.mtl"),
            (".\\room.mtl", "room.mtl"),
            ("sub\\room.mtl", "sub/room.mtl"),
            ("./sub/../room.mtl", "room.mtl"),
        ],
    )
    def test_names_with_spaces_escapes_and_backslashes(self, write, tmp_path, statement, file):
        (tmp_path / "sub").mkdir()
        (tmp_path / file).write_text("newmtl deep blue\nKd 0 0 1\n")
        scene = load_scene(write(f"mtllib {statement}\n{QUAD}usemtl deep blue\nf 1 3 4 2\n"))
        assert materials(scene) == ["deep blue"] and scene.notes == ()
        assert scene.materials.base_color.tolist() == [[0, 0, 1, 1]]

    def test_files_outside_the_folder_are_not_opened(self, write, tmp_path, monkeypatch):
        inside = tmp_path / "inside"
        inside.mkdir()
        (tmp_path / "m.mtl").write_text("newmtl m\nKd 1 0 0\n")
        (tmp_path / "secret.png").write_bytes((write("") and tmp_path / "paint.png").read_bytes())
        os.mkfifo(inside / "pipe.mtl")
        (inside / "own.mtl").write_text("newmtl own\nmap_Kd ../secret.png\n")
        lines = ["../m.mtl", str(tmp_path / "m.mtl"), "/dev/zero", "pipe.mtl", "C:\\models\\m.mtl", "own.mtl"]
        path = inside / "scene.obj"
        path.write_text("".join(f"mtllib {x}\n" for x in lines) + QUAD + UV + "usemtl m\nf 1 3 4\nusemtl own\nf 1/1 4/4 2/2\n")
        scene = load_scene(path)
        for name, why in (
            ("../m.mtl", "outside"),
            ("/dev/zero", "outside"),
            ("pipe.mtl", "missing"),
            ("C:\\models", "missing"),
            ("../secret.png", "outside"),
        ):
            assert any(name in n and why in n for n in scene.notes), name
        assert (scene.materials.texture == -1).all() and materials(scene) == ["m", "own"]

    def test_an_invalid_library_is_named(self, write):
        with pytest.raises(InputError, match=r"material library m\.mtl.*material m has the colour '1 x 0'|m\.mtl.*invalid"):
            load_scene(write("mtllib m.mtl\n" + QUAD + FACE, m="newmtl m\nKd 1 x 0\n"))

    def test_the_digest_follows_libraries_and_textures_however_they_are_named(self, write, tmp_path):
        (tmp_path / "tex").mkdir()
        text = "mtllib .\\m.mtl\nusemtl m\n" + QUAD + UV + FACE
        path = write(text, m="newmtl m\nmap_Kd -s 2 2 tex\\wall.png\n")
        digests = [load_scene(path).sha256]
        for color in (10, 20):
            Image.fromarray(np.full((2, 2, 3), color, np.uint8)).save(tmp_path / "tex" / "wall.png")
            digests.append(load_scene(path).sha256)
        assert len(set(digests)) == 3


class TestTextures:
    def seen(self, write, look, options):
        text = "mtllib m.mtl\nusemtl m\n" + QUAD + UV + FACE
        return look(load_scene(write(text, m=f"newmtl m\nKd 1 1 1\nmap_Kd {options} paint.png\n"))).rgb[0]

    def test_scale_repeats_the_texture(self, write, look):
        picture = self.seen(write, look, "-s 2 2")
        assert quarters(picture[:32, :32]) == quarters(picture[32:, 32:]) == PAINT

    def test_offset_moves_the_texture(self, write, look):
        # u + 1/2: the right half comes first; v, which grows upwards, stays.
        assert quarters(self.seen(write, look, "-o 0.5 0 0")) == [PAINT[1], PAINT[0], PAINT[3], PAINT[2]]
        assert quarters(self.seen(write, look, "-o 0 0.5")) == [PAINT[2], PAINT[3], PAINT[0], PAINT[1]]

    def test_clamp_extends_the_edge(self, write, look):
        picture = self.seen(write, look, "-clamp on -s 2 2 1")
        # The texture fills the lower left quarter; its upper right texel extends over the upper right.
        assert quarters(picture[32:, :32]) == PAINT and quarters(picture[:32, 32:]) == [PAINT[1]] * 4

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("x.png", "x.png"),
            ("-s 2 2 x.png", "x.png"),
            ("-s 2 2 2 -o 1 x.png", "x.png"),
            ("-blendu on -mm 0 1 my wall.png", "my wall.png"),
            ("-clamp on -texres 512 12 monkeys.png", "12 monkeys.png"),
            ("-imfchan r -bm 0.2 sub\\x.png", "sub\\x.png"),
        ],
    )
    def test_options_are_no_part_of_the_name(self, text, name):
        assert parse_texture(text).name == name

    def test_numbers_of_options(self):
        texture = parse_texture("-s 2 3 -o 0.25 -clamp on x.png")
        assert (texture.scale, texture.offset, texture.clamp) == ((2.0, 3.0), (0.25, 0.0), True)
        assert parse_texture("-mm 0 2 -t 0.1 x.png").ignored == ("-mm", "-t")

    def test_missing_and_broken_textures_are_noted(self, write, tmp_path):
        (tmp_path / "text.png").write_text("no picture")
        text = "mtllib m.mtl\n" + QUAD + UV + "usemtl a\n" + FACE + "usemtl b\n" + FACE
        scene = load_scene(write(text, m="newmtl a\nKd 1 0 0\nmap_Kd gone.png\nnewmtl b\nmap_Kd text.png\n"))
        assert any("gone.png cannot be read (missing)" in n for n in scene.notes)
        assert any("text.png cannot be read (not a BMP, JPEG, PNG, TGA or WEBP image)" in n for n in scene.notes)


class TestMaterials:
    def test_opacity_below_one_half_is_seen_through(self, write, look):
        """A pane in front of a wall, both filling the picture."""
        wall = QUAD.replace("-2\n", "-3\n").replace("-1 ", "-1.5 ").replace("1 1", "1.5 1.5").replace(" 1 -1", " 1.5 -1")
        text = "mtllib m.mtl\n" + QUAD + wall + "usemtl pane\nf 1 3 4 2\nusemtl wall\nf 5 7 8 6\n"
        for opacity, depth in (
            ("d 0.3", 3.0),
            ("Tr 0.7", 3.0),
            ("d 0.6", 2.0),
            ("Tr 0.4", 2.0),
            ("d 1\nTr 1", 2.0),
            ("Tr 0", 2.0),
        ):
            scene = load_scene(write(text, m=f"newmtl pane\nKd 1 0 0\n{opacity}\nnewmtl wall\nKd 0 1 0\n"))
            views = look(scene)
            assert views.depth[0, 32, 32] == pytest.approx(depth, abs=1e-3), opacity
            noted = any("1 materials (pane) have an opacity (d, Tr) below 1" in n for n in scene.notes)
            assert noted == (opacity not in ("d 1\nTr 1", "Tr 0"))

    def test_opacity_holds_for_textures(self, write):
        scene = load_scene(write("mtllib m.mtl\nusemtl m\n" + QUAD + UV + FACE, m="newmtl m\nd -halo 0.25\nmap_Kd paint.png\n"))
        assert scene.materials.base_color.tolist() == [[1, 1, 1, 0.25]] and scene.materials.alpha_cutoff.tolist() == [0.5]

    @pytest.mark.parametrize("color", ["200 100 50", "1.2 0 0", "-0.1 0 0"])
    def test_colours_beyond_1_are_noted(self, write, color):
        scene = load_scene(write("mtllib m.mtl\nusemtl m\n" + QUAD + FACE, m=f"newmtl m\nKd {color}\n"))
        assert any("1 materials (m) have a colour Kd beyond 0 to 1, which is cut" in n for n in scene.notes)

    def test_textured_faces_without_coordinates_have_the_plain_colour(self, write, look):
        text = "mtllib m.mtl\nusemtl m\n" + QUAD + UV + "f 1/1 3/3 2/2\nf 3 4 2\n"
        scene = load_scene(write(text, m="newmtl m\nKd 0 1 1\nmap_Kd paint.png\n"))
        picture = look(scene).rgb[0]
        red, green, blue = quarters(picture)[3]  # shaded, as colours without a texture are
        assert quarters(picture)[0] == PAINT[0] and red == 0 and green == blue > 200
        assert scene.instances == ("scene",)
        assert any("1 materials (m) have a texture and 1 triangles without texture coordinates" in n for n in scene.notes)

    def test_faces_wholly_without_coordinates_are_noted_too(self, write):
        text = "mtllib m.mtl\nusemtl m\n" + QUAD + "f 1 3 4 2\n"
        scene = load_scene(write(text, m="newmtl m\nKd 0 1 1\nmap_Kd paint.png\n"))
        assert any("have a texture and 2 triangles without texture coordinates" in n for n in scene.notes)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le"])
    def test_utf_16(self, write, encoding):
        """With a byte order mark the text is read; without one the file is refused."""
        text, library = "mtllib m.mtl\nusemtl m\n" + QUAD + FACE, "newmtl m\nKd 1 0 0\n"
        path = write(text, m=library)
        path.write_bytes(text.encode(encoding))
        if encoding == "utf-16":
            path.with_name("m.mtl").write_bytes(library.encode(encoding))
            assert load_scene(path).materials.base_color.tolist() == [[1, 0, 0, 1]]
            return
        for use in (load_scene, scene_digest):
            with pytest.raises(InputError, match=r"scene\.obj is not a readable .obj mesh \(it holds NUL .* save it as UTF-8\)"):
                use(path)
        path.write_text(text)
        path.with_name("m.mtl").write_bytes(library.encode(encoding))
        with pytest.raises(InputError, match=r"library m\.mtl, which is invalid \(it holds NUL .* save it as UTF-8\)"):
            load_scene(path)


@pytest.mark.parametrize("value", ["mtllib m.mtl\n" * 20_000, "mtllib " + "m.mtl " * 20_000 + "\n"], ids=["lines", "names"])
def test_a_library_named_many_times_is_read_once(write, monkeypatch, value):
    read = []
    monkeypatch.setattr("simulator.loaders.obj_materials.parse_mtl", lambda text: read.append(text) or parse_mtl(text))
    scene = load_scene(write(value + "usemtl m\n" + QUAD + FACE, m="newmtl m\nkd 1 0 0\n"))
    assert scene.materials.base_color.tolist() == [[1, 0, 0, 1]] and scene.notes == ()
    assert len(read) == 2  # once for the scene, once for its digest


def test_notes_shorten_names(write):
    (note,) = load_scene(write(f"mtllib {'m' * 5000}.mtl\n" + QUAD + FACE)).notes
    assert len(note) < 120


def test_colours_of_a_library():
    found = parse_mtl("newmtl a\nKd 0.1 0.2 0.3\nnewmtl b\nKd 0.5\nnewmtl c\nKd spectral x.rfl\n")
    assert [m.diffuse for m in found.values()] == [(0.1, 0.2, 0.3), (0.5, 0.5, 0.5), (0.4, 0.4, 0.4)]
    with pytest.raises(ValueError, match="three numbers"):
        parse_mtl("newmtl a\nKd nan 0 0\n")
