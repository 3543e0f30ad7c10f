"""Imports go one way: between packages, between the folders of a package, and between files, which form no circle."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "dataset": {"simulator", "training", "scenes", "benchmarks"},
    "simulator": {"training", "benchmarks"},
    "training": {"simulator", "benchmarks"},
}
ORDER = {
    "simulator": (
        ("render", "api", "bundled_clips"),
        ("arguments",),
        ("scene_input",),
        ("run",),
        ("motion",),
        ("engines",),
        ("receivers", "habitat"),
        ("acoustics", "camera", "loaders"),
        ("scene",),
        ("config", "kernels"),
        ("finite",),
        ("errors",),
    ),
    "dataset": (
        ("info", "preview", "view", "share", "convert", "merge", "split", "subset"),
        ("verify",),
        ("checks",),
        ("layouts", "publish"),
        ("rewriting", "viewer"),
        ("reader",),
        ("storage",),
        ("format",),
        ("command", "settings", "atomic", "progress", "geometry", "responses", "interaural", "sofa_file", "wav"),
        ("sofa",),
        ("angles", "errors", "interrupts"),
    ),
    "training": (
        ("run", "predict", "realworld", "calibrate", "export"),
        ("stages",),
        ("real",),
        ("prediction",),
        ("reporting",),
        ("work",),
        ("evaluation",),
        ("tasks", "baselines"),
        ("data", "networks"),
        ("config",),
        ("presets", "ranges"),
        ("errors", "models"),
    ),
}
"""Folders and files of a package, from the top: each imports from later rows only, or from itself."""
PACKAGES = ("dataset", "simulator", "training", "scenes", "benchmarks")


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


def modules(package: str) -> Iterator[tuple[str, str]]:
    """Iterate over the dotted names and sources of a package's modules; that of `a/__init__.py` is a."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path.read_text()


def against_the_order(name: str, source: str) -> set[tuple[str, str]]:
    """Return the imports of a module, such as "simulator.run.clips", that go up or sideways: (importing, imported)."""
    package, own = name.split(".")[:2]
    row = {entry: k for k, entries in enumerate(ORDER[package]) for entry in entries}
    wrong = set()
    for module in imported_modules(source):
        parts = module.split(".")
        if parts[0] == package and len(parts) > 1 and parts[1] != own and row.get(parts[1], -1) <= row[own]:
            wrong.add((name, ".".join(parts[:3])))
    return wrong


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the modules that import each other in a circle, or that import those; empty where there is no circle."""
    left = dict(imports)
    while free := [name for name, below in left.items() if not below & (set(left) - {name})]:
        for name in free:
            del left[name]
    return sorted(left)


def test_imports_are_seen_wherever_they_stand():
    source = "def f():\n    from training.tasks.loop import x\n    import simulator.scene.model\nimport_module('scenes.glb')"
    assert imported(source) == {"training", "simulator", "scenes"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_package_imports_against_the_flow(package):
    sources = dict(modules(package))
    assert sources
    for name, source in sources.items():
        wrong = imported(source) & FORBIDDEN[package]
        assert not wrong, f"{name} imports {', '.join(sorted(wrong))}"


def test_an_import_that_goes_up_is_found():
    source = "from simulator.run import worker\nfrom simulator.scene.model import Scene\nfrom simulator.camera import embree"
    assert against_the_order("simulator.acoustics.tracer", source) == {
        ("simulator.acoustics.tracer", "simulator.run"),
        ("simulator.acoustics.tracer", "simulator.run.worker"),
        ("simulator.acoustics.tracer", "simulator.camera"),
        ("simulator.acoustics.tracer", "simulator.camera.embree"),
    }
    assert not against_the_order("simulator.engines.pyroom", source.splitlines()[1])


@pytest.mark.parametrize("package", ORDER)
def test_the_folders_of_a_package_import_downwards(package):
    sources = {name: source for name, source in modules(package) if name != package}
    assert {name.split(".")[1] for name in sources} == {entry for entries in ORDER[package] for entry in entries}
    wrong = set().union(*(against_the_order(name, source) for name, source in sources.items()))
    assert not wrong


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": set()}) == ["a", "b", "c", "d"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_files_import_each_other_in_a_circle():
    sources = {name: source for package in PACKAGES for name, source in modules(package)}
    assert len(sources) > 100
    assert circle({name: imported_modules(source) & set(sources) for name, source in sources.items()}) == []
