from __future__ import annotations

import ast
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterator, Set, Tuple

import pytest

import handover_channel

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "handover_channel"
TEXTS = {
    str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))
}
#: Rasa's own, or what comes with it: the command line needs none of these.
HEAVY = {"rasa", "tensorflow", "sanic"}
#: The edges to Rasa, and Alembic's script, which only Alembic can run.
NEEDING_RASA = {"policy", "rasa", "rasa_gateway", "http", "env"}


def _python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    return ran.stdout


def test_every_module_says_what_it_is_for():
    assert not [name for name, text in TEXTS.items() if not ast.get_docstring(ast.parse(text))]


#: The package itself, and Alembic's script: they do nothing of their own.
DOING_NOTHING = {"__init__.py", "__main__.py"}


def test_every_module_begins_with_what_it_does():
    verb = re.compile(r"[A-Z][a-z]+s(,|\b)")  # "Decides whether ...", "Reads, draws ..."
    openings = {name: ast.get_docstring(ast.parse(text)) or "" for name, text in TEXTS.items()}
    others = {name for name, opening in openings.items() if not verb.match(opening)}

    assert {name for name in others if not name.startswith("store/migrations/")} == DOING_NOTHING


#: A newcomer's question -> the room that they open first, the module in it, the words that they know it by.
FIRST_GUESSES = {
    "the 24-hour messaging window": ("rules", "messaging_window", "messaging window"),
    "an agent sends a reply": ("replies", "service", "agent"),
    "how a reply goes out": ("replies", "delivery", "Send API"),
    "a time limit fires": ("control", "deadlines", "time limit"),
    "whether a time limit is up": ("rules", "time_limit", "time"),
    "what a webhook event means": ("rules", "event_meaning", "event"),
    "what a webhook event does": ("queue", "event_handlers", "event"),
    "durations": ("rules", "durations", "duration"),
    "keywords": ("rules", "keywords", "keyword"),
    "the reasons of a return": ("rules", "return_reasons", "reason"),
    "the button": ("messenger", "return_button", "Back to Bot"),
    "the settings of a return": ("settings", "return_options", "return"),
    "what Prometheus gets": ("metrics", "exporter", "Prometheus"),
    "the first response time": ("metrics", "first_response", "first"),
    "sign-in limits": ("inbox", "sign_in_limits", "password"),
    "who has control": ("rules", "control", "control"),
}


@pytest.mark.parametrize("rule", FIRST_GUESSES)
def test_a_rule_is_where_a_newcomer_looks_first_and_its_module_says_so(rule):
    room, module, words = FIRST_GUESSES[rule]

    opening = (ast.get_docstring(ast.parse(TEXTS[f"{room}/{module}.py"])) or "").split("\n\n")[0]
    assert words.lower() in opening.lower()


def test_no_module_outgrows_its_subject():
    assert not {name: len(text.splitlines()) for name, text in TEXTS.items() if text.count("\n") > 400}


def test_no_module_has_a_name_that_says_nothing():
    empty = re.compile("util|helper|manager|session|ticket|escalation|operator|common")

    assert not [name for name in TEXTS if empty.search(name)]


def test_annotations_are_never_evaluated_by_older_pythons():
    annotated = {
        name
        for name, text in TEXTS.items()
        if any(isinstance(node, (ast.FunctionDef, ast.AnnAssign)) for node in ast.walk(ast.parse(text)))
    }

    assert not [name for name in annotated if "\nfrom __future__ import annotations\n" not in TEXTS[name]]


def test_one_module_reads_the_environment():
    reading = re.compile(r"\bos\.(environ|getenv)|from os import.*(environ|getenv)")
    readers = {name for name, text in TEXTS.items() if reading.search(text)}

    # These hand the environment on to processes of the demo and of tests, and look at nothing in it.
    assert readers - {"cli/supervisor.py", "testing/server_process.py"} == {"settings/environment.py"}


def test_every_public_name_is_defined_where_the_package_looks_for_it():
    places = handover_channel._LAZY

    assert sorted(places) == sorted(handover_channel.__all__)
    assert all(
        f"\nclass {name}(" in TEXTS[f"{module.replace('.', '/')}.py"] for name, module in places.items()
    )


def test_a_name_that_is_not_public_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        handover_channel.Nothing  # noqa: B018  (looking it up is the test)


@pytest.mark.parametrize(
    "name", ["handover_channel", "handover_channel.services", "handover_channel.cli.main"]
)
def test_importing_it_loads_nothing_of_rasas(name):
    assert not HEAVY & set(_python(f"import sys, {name}; print(*sys.modules)").split())


def test_importing_the_actions_loads_neither_rasa_nor_tensorflow():
    loaded = set(_python("import sys, handover_channel.actions; print(*sys.modules)").split())

    assert "rasa_sdk" in loaded
    assert not {"rasa", "tensorflow"} & loaded


def test_every_module_but_the_edges_to_rasa_works_without_it():
    names = [
        found.name
        for found in pkgutil.walk_packages([str(PACKAGE)], "handover_channel.")
        if not NEEDING_RASA & set(found.name.split(".")) and found.name != "handover_channel.inbox.channel"
    ]

    _python(f"import sys; sys.modules['rasa'] = None; import {', '.join(names)}")


#: Tables that each module of a kind has: the routes of the inbox, the Graph API calls of the simulator, the
#: checks of the doctor.
ONE_IN_EACH_MODULE = {"ROUTES", "CALLS", "CHECKS"}


def _constants(tree: ast.Module) -> Iterator[Tuple[str, ast.expr]]:
    """The module's names in capital letters, each with the expression that it is given."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _named(node.target, node.value)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _named(target, node.value)


def _named(target: ast.expr, value: ast.expr) -> Iterator[Tuple[str, ast.expr]]:
    if isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
        for each, its in zip(target.elts, values):
            yield from _named(each, its)
    elif isinstance(target, ast.Name) and target.id.isupper():
        yield target.id, value


def _value(expression: ast.expr) -> str:
    """The value where it is one of numbers and texts (7 * 24 * 3600), else the source."""
    try:
        code = compile(ast.Expression(expression), "", "eval")
        return repr(eval(code, {"__builtins__": {}}))  # noqa: S307  (our own source)
    except Exception:  # it needs other names
        return ast.unparse(expression)


def test_a_constant_of_one_name_has_one_value():
    values: Dict[str, Dict[str, Set[str]]] = defaultdict(lambda: defaultdict(set))
    for module, text in TEXTS.items():
        if not module.startswith("store/migrations/"):  # each is as it was when it was written
            for name, expression in _constants(ast.parse(text)):
                values[name][_value(expression)].add(module)

    several = {name: dict(each) for name, each in values.items() if len(each) > 1}
    assert {name: each for name, each in several.items() if name not in ONE_IN_EACH_MODULE} == {}
    assert set(several) == ONE_IN_EACH_MODULE


def test_the_comparison_of_constants_sees_values_and_not_spellings():
    tree = ast.parse("A, B = 60, 2\nA: int = 6 * 10\nC = A\n(_D, e) = 1, 2\n__all__ = []\n")

    found = [(name, _value(expression)) for name, expression in _constants(tree)]

    assert found == [("A", "60"), ("B", "2"), ("A", "60"), ("C", "A"), ("_D", "1")]
