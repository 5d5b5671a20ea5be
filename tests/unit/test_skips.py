"""Tests what is skipped: where CI allows that, the reason has to name what is missing."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest
from needs import NEEDS

ROOT = Path(__file__).parents[2]
#: What `make test` has, and what `make test-next` has.
ENVIRONMENTS = ("requirements.txt", "requirements-next.txt")
#: module -> the distribution that brings it, where their names differ.
BROUGHT_BY = {"psycopg2": "psycopg2-binary"}


def _distributions(requirements: str) -> Set[str]:
    lines = (ROOT / requirements).read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}


def _imports_or_skips() -> Iterator[Tuple[str, str, str]]:
    """Yield place, module and reason of each `pytest.importorskip` of a module by name."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("importorskip")):
                continue
            if isinstance(node.args[0], ast.Constant):
                module = str(node.args[0].value)
                given = {each.arg: ast.literal_eval(each.value) for each in node.keywords}
                reason = str(given.get("reason", f"could not import {module!r}"))
                yield f"{path.relative_to(ROOT)}:{node.lineno}", module, reason


FOUND: Dict[str, Tuple[str, str]] = {place: (module, reason) for place, module, reason in _imports_or_skips()}


@pytest.mark.parametrize("place", FOUND)
def test_what_one_environment_lacks_is_skipped_with_a_marker_in_the_reason(place):
    module, reason = FOUND[place]
    name = module.partition(".")[0]
    name = BROUGHT_BY.get(name, name.replace("_", "-"))
    is_in_all = all(name in _distributions(each) for each in ENVIRONMENTS)

    assert is_in_all or re.search(rf"\b({'|'.join(NEEDS)})\b", reason.lower()), reason


def test_the_look_at_the_skips_finds_them():
    assert {module for module, _ in FOUND.values()} >= {"playwright", "rasa", "aiohttp"}


# --- without Rasa ---------------------------------------------------------------------------------


def _imports_rasa(module: str) -> bool:
    """Tell whether a module of ours imports Rasa as soon as it is imported, itself."""
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not path.exists():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(name.partition(".")[0] in ("rasa", "sanic") for name in _imported(tree.body))


def _imported(body: List[ast.stmt]) -> Iterator[str]:
    """Yield the full names that are imported by these statements: of `from a import b` both a and a.b."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _imports_of_rasa_unasked(path: Path) -> List[str]:
    """Return what a test module imports that needs Rasa, before it asks whether there is one."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    asks = (number for number, node in enumerate(body) if _asks_for_rasa(node))
    before = body[: next(asks, len(body))]
    return [name for name in _imported(before) if name.partition(".")[0] == "rasa" or _imports_rasa(name)]


def _asks_for_rasa(node: ast.stmt) -> bool:
    return bool(re.search(r"importorskip\('rasa|skip\(.*allow_module_level", ast.unparse(node)))


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.name)
def test_no_module_of_tests_needs_rasa_before_it_asks_for_it(path):
    assert _imports_of_rasa_unasked(path) == []


def test_the_look_at_the_imports_finds_those_of_rasa(tmp_path):
    path = tmp_path / "test_a.py"
    path.write_text("import rasa\nfrom handover_channel.rasa import channel\nimport handover_channel.log\n")

    assert _imports_of_rasa_unasked(path) == ["rasa", "handover_channel.rasa.channel"]
