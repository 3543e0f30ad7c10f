"""What is missing from the base installation ends in a note or a clear line."""

import importlib
import sys
from types import SimpleNamespace

import pytest

from training.run import _board


def test_without_tensorboard_training_goes_on_with_a_note(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [n for n in sys.modules if n.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    run = SimpleNamespace(folder=tmp_path, quiet=False)
    assert _board(run) is None
    assert "pip install tensorboard" in capsys.readouterr().err and not list(tmp_path.iterdir())
    assert _board(SimpleNamespace(folder=tmp_path, quiet=True)) is None and not capsys.readouterr().err


def test_with_tensorboard_logs_are_written(tmp_path):
    pytest.importorskip("tensorboard")
    board = _board(SimpleNamespace(folder=tmp_path, quiet=False))
    board.add_scalar("loss", 1.0, 1)
    board.close()
    assert list((tmp_path / "tensorboard").glob("events*"))


@pytest.mark.parametrize(("machine", "said"), [("x86_64", "pip install embreex"), ("aarch64", "x86-64 only")])
def test_without_embree_the_message_names_what_helps_on_the_platform(monkeypatch, machine, said):
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setitem(sys.modules, "embreex", None)
    monkeypatch.delitem(sys.modules, "embreex.rtcore_scene", raising=False)
    monkeypatch.delitem(sys.modules, "simulator.scene.bvh", raising=False)
    with pytest.raises(ImportError, match=said):
        importlib.import_module("simulator.scene.bvh")
