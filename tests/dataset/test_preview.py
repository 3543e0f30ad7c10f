"""Pictures: every scene gets its picture."""

import pytest

from dataset.preview import main


def test_every_scene_gets_a_picture(data, tmp_path, capsys):
    image = pytest.importorskip("matplotlib.image")
    assert main([str(data), "--sets", "1", "--out", str(tmp_path / "pictures")]) == 0
    names = [f"{scene}.png" for scene in ("attic", "barn", "cellar")]
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == names
    assert capsys.readouterr().out.count(".png") == 3
    assert image.imread(tmp_path / "pictures" / "barn.png")[..., :3].std() > 0.05


@pytest.mark.parametrize("options", [["--sets", "0"], ["--out", "/dev/null/x"]])
def test_wrong_use_is_one_line(data, capsys, options):
    pytest.importorskip("matplotlib")
    assert main([str(data), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
