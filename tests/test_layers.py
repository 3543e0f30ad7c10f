"""Data flows one way: the data set knows neither neighbour; simulator and training never know each other."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "dataset": {"simulator", "training", "scenes", "benchmarks"},
    "simulator": {"training", "benchmarks"},
    "training": {"simulator", "benchmarks"},
}


def imported(source: str) -> set[str]:
    """Give the top packages that a module's source imports, anywhere in it."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            names += [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return {name.split(".")[0] for name in names}


def test_imports_are_seen_wherever_they_stand():
    source = "def f():\n    from training.tasks.loop import x\n    import simulator.scene.model\nimport_module('scenes.glb')"
    assert imported(source) == {"training", "simulator", "scenes"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_package_imports_against_the_flow(package):
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    for path in modules:
        wrong = imported(path.read_text()) & FORBIDDEN[package]
        assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"
