"""Imports go one way: dataset imports neither neighbour, simulator and training never each other, folders only those below."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "dataset": {"simulator", "training", "scenes", "benchmarks"},
    "simulator": {"training", "benchmarks"},
    "training": {"simulator", "benchmarks"},
}


SIMULATOR = (
    ("render", "bundled_clips"),
    ("run",),
    ("engines",),
    ("receivers", "habitat"),
    ("acoustics", "camera", "loaders"),
    ("scene",),
    ("config",),
    ("errors",),
)
"""Folders and files of simulator/, from the top: each imports from later rows only, or from itself."""
ALLOWED = {
    ("config", "acoustics.directivity"),  # until the names of patterns live in config
}
"""Imports against this order that are still to be removed: (importing module, imported module), both below simulator."""


def imported_modules(source: str) -> set[str]:
    """Return the dotted names that a module's source imports, anywhere in it; `from a import b` gives a and a.b."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            names += [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return set(names)


def imported(source: str) -> set[str]:
    """Return the top packages that a module's source imports, anywhere in it."""
    return {name.split(".")[0] for name in imported_modules(source)}


def against_the_order(name: str, source: str) -> set[tuple[str, str]]:
    """Return the imports of a simulator module, such as "run.clips", that go up or sideways, as (importing, imported)."""
    row = {entry: k for k, entries in enumerate(SIMULATOR) for entry in entries}
    own = name.split(".")[0]
    wrong = set()
    for module in imported_modules(source):
        below = module.split(".")[1:]
        if module.startswith("simulator.") and below[0] != own and row.get(below[0], -1) <= row[own]:
            wrong.add((name, ".".join(below[:2])))
    return wrong


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


def test_an_import_that_goes_up_is_found():
    source = "from simulator.run import worker\nfrom simulator.scene.model import Scene\nfrom simulator.camera import embree"
    assert against_the_order("acoustics.tracer", source) == {
        ("acoustics.tracer", "run"),
        ("acoustics.tracer", "run.worker"),
        ("acoustics.tracer", "camera"),
        ("acoustics.tracer", "camera.embree"),
    }
    assert not against_the_order("engines.pyroom", source.splitlines()[1])


def test_the_simulators_folders_import_downwards():
    folder = ROOT / "simulator"
    wrong, places = set(), set()
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if parts != ("__init__",):
            places.add(parts[0])
            wrong |= against_the_order(".".join(parts), path.read_text())
    assert places == {entry for entries in SIMULATOR for entry in entries}
    assert wrong == ALLOWED
