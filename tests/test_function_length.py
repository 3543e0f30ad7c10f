"""Functions stay short enough to be read on one screen."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("simulator", "dataset", "training", "scenes", "benchmarks")
LONGEST = 60


def longer_functions(source: str) -> set[str]:
    """Return the names of the functions of a module that span more than LONGEST lines."""
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return {f.name for f in functions if (f.end_lineno or f.lineno) - f.lineno + 1 > LONGEST}


def test_a_longer_function_is_found():
    assert longer_functions("def f():\n" + "    pass\n" * LONGEST) == {"f"}
    assert not longer_functions("def f():\n" + "    pass\n" * (LONGEST - 1))


def test_no_function_spans_more_than_sixty_lines():
    paths = [p for package in PACKAGES for p in (ROOT / package).rglob("*.py")]
    found = {(p.relative_to(ROOT).as_posix(), name) for p in paths for name in longer_functions(p.read_text())}
    assert not found
