from __future__ import annotations

import ast
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import handover_channel

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "handover_channel"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Rasa's own, or what comes with it: an action server and the command line have none of these.
HEAVY = ("rasa", "tensorflow", "sanic")
#: The edges to Rasa, and Alembic's script, which only Alembic can run.
NEEDING_RASA = {"channel", "output", "policy", "inbox", "env"}


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_every_module_says_what_it_is_for(module):
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_no_module_outgrows_its_subject(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_annotations_are_never_evaluated_by_older_pythons(module):
    text = module.read_text(encoding="utf-8")
    annotated = any(isinstance(node, (ast.FunctionDef, ast.AnnAssign)) for node in ast.walk(ast.parse(text)))

    assert not annotated or "\nfrom __future__ import annotations\n" in text


def test_only_the_settings_read_the_environment():
    reading = re.compile(r"\bos\.(environ|getenv)|from os import.*(environ|getenv)")
    readers = {module.name for module in MODULES if reading.search(module.read_text(encoding="utf-8"))}

    # children.py hands the environment on to the processes of the demo, and looks at nothing in it.
    assert readers - {"children.py"} == {"settings.py"}


@pytest.mark.parametrize(
    "word", ["utils", "helpers", "manager", "session", "ticket", "escalation", "operator"]
)
def test_no_module_has_a_name_that_says_nothing(word):
    assert not [module for module in MODULES if word in module.stem]


@pytest.mark.rasa
def test_every_public_name_can_be_imported():
    code = "import handover_channel as h; [getattr(h, name) for name in h.__all__]"

    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_name_that_is_not_public_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'MessengerOutput'"):
        handover_channel.MessengerOutput  # noqa: B018


@pytest.mark.parametrize("name", ["handover_channel", "handover_channel.actions", "handover_channel.cli"])
def test_importing_it_loads_neither_rasa_nor_tensorflow(name):
    code = f"import sys, {name}; print(*sorted(sys.modules))"

    ran = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)

    # rasa_sdk brings Sanic along for its own server; the command line brings nothing of the kind.
    heavy = HEAVY[:2] if name.endswith("actions") else HEAVY
    assert not set(heavy) & set(ran.stdout.split())


def test_every_module_but_the_edges_to_rasa_works_without_it():
    names = [
        found.name
        for found in pkgutil.walk_packages([str(PACKAGE)], "handover_channel.")
        if not NEEDING_RASA & set(found.name.split("."))
    ]
    code = f"import sys; sys.modules['rasa'] = None; import {', '.join(names)}"

    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
