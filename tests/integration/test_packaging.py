"""The source distribution and the wheel that is built from it hold what they need, and install."""

from __future__ import annotations

import re
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, requires
from typing import Any, Iterable, List, Set

import pytest
from distributions import PACKAGE, PIP, Built, build, run
from documents import ROOT
from packaging.requirements import Requirement

#: What is no Python and has to be in the wheel, by folder.
DATA = ("inbox/templates", "inbox/static", "inbox/locale", "simulator/static")
#: In the tree after a run; nobody's who installs it.
LEFT_OVERS = (".pyc", ".mo", ".db", ".map")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def names(built: Built) -> Set[str]:
    with zipfile.ZipFile(built.wheel) as archive:
        return set(archive.namelist())


def _files(folder: str = "") -> List[str]:
    paths = (
        path for path in (PACKAGE / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    return [path.relative_to(ROOT).as_posix() for path in paths]


@pytest.mark.parametrize("folder", DATA)
def test_the_wheel_has_what_is_no_python(names, folder):
    there = _files(folder)

    assert there
    assert set(there) <= names


def test_the_wheel_has_the_description_of_the_simulators_api(names):
    assert "handover_channel/simulator/openapi.json" in names


def test_the_wheel_has_the_fixtures_for_pytest_and_the_schema_of_scenarios(built, names):
    (entries,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
    with zipfile.ZipFile(built.wheel) as archive:
        text = archive.read(entries).decode()

    assert "[pytest11]\nhandover = handover_channel.testing.plugin" in text
    assert "handover_channel/testing/scenario.schema.json" in names


def test_the_wheel_has_every_module_and_migration_and_the_mark_of_its_types(names):
    modules = {name for name in _files() if name.endswith(".py")}

    assert modules <= names
    assert "handover_channel/py.typed" in names
    assert any(name.startswith("handover_channel/store/migrations/versions/0001") for name in names)


def test_the_wheel_has_the_licences_of_this_project_and_of_what_is_vendored(names):
    vendored = sorted(name for name in _files() if name.endswith(".min.js"))

    assert vendored
    assert {name.replace(".min.js", ".LICENSE.txt") for name in vendored} <= names
    assert any(name.endswith((".dist-info/licenses/LICENSE", ".dist-info/LICENSE")) for name in names)


def test_the_wheel_has_nothing_but_the_package(names):
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "handover_channel",
        "rasa_handover",
    }
    assert not [name for name in names if name.endswith(LEFT_OVERS)]


def test_the_version_stands_in_one_place_and_is_that_of_both(built):
    (version,) = [
        line.split('"')[1]
        for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
        if line.startswith("version = ")
    ]

    assert f"-{version}-" in built.wheel.name
    assert built.source.name == f"rasa_handover-{version}.tar.gz"


def test_the_source_distribution_has_the_readme_and_the_licence(built):
    with tarfile.open(built.source) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE"} <= found


def test_the_wheel_installs_into_an_empty_environment_and_works_there(built, tmp_path):
    folder, elsewhere = tmp_path / "env", tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    run(*PIP, "--python", python, "install", "--no-deps", "--no-index", str(built.wheel), cwd=elsewhere)

    bare = run(python, "-I", "-c", "import handover_channel as it; print(it.__file__)", cwd=elsewhere)
    assert bare.startswith(str(folder))

    # What it needs, from the environment of these tests, behind its own.
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "needs.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    whole = (
        "import handover_channel.inbox.rendering as it; from handover_channel.store import Store; "
        "Store('sqlite:///x.db').migrate(); print(it.__file__)"
    )
    assert run(python, "-I", "-c", whole, cwd=elsewhere).startswith(str(folder))
    assert (elsewhere / "x.db").exists()
    assert "simulate" in run(str(folder / "bin" / "handover"), "--help", cwd=elsewhere)


#: What the package's own requirements and the extras for bots are imported as.
FOR_BOTS = [
    *("urllib3", "requests", "yaml", "ruamel", "sqlalchemy", "alembic", "typer", "rich", "prometheus_client"),
    *("jinja2", "babel", "phonenumbers", "argon2", "rasa", "rasa_sdk", "sanic", "tensorflow", "psycopg2"),
]
SERVED = """
import json, sys, urllib.request
for name in {names!r}:
    sys.modules[name] = None  # importing it is an error
from handover_channel import simulator
from handover_channel.simulator import __main__ as command
command.parser().parse_args(["--port", "8091", "--app", "2222=sales_bot"])
with simulator.running(simulator.Simulator()) as url:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
    print(json.load(opener.open(url + "/simulator/v1/openapi.json"))["openapi"])
"""


def test_the_simulator_works_from_the_wheel_with_aiohttp_and_nothing_else(built, tmp_path):
    pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")
    folder, elsewhere = tmp_path / "env", tmp_path / "elsewhere"
    elsewhere.mkdir()
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    run(*PIP, "--python", python, "install", "--no-deps", "--no-index", str(built.wheel), cwd=elsewhere)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "needs.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    said = run(python, "-I", "-c", SERVED.format(names=FOR_BOTS), cwd=elsewhere)

    assert said.strip().startswith("3.1")


def test_the_extra_of_the_simulator_brings_no_rasa_and_no_database():
    project = _project()
    inside = _needed([*project["dependencies"], *project["optional-dependencies"]["simulator"]], set())

    assert "aiohttp" in inside
    assert not inside & {"rasa", "rasa-sdk", "tensorflow", "sanic", "psycopg2", "psycopg2-binary", "redis"}


def _project() -> Any:
    toml = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(lines: Iterable[str], found: Set[str], extra: str = "") -> Set[str]:
    """Return the names of what *lines* require on this Python, and of what that requires in turn."""
    for line in lines:
        wanted = Requirement(line)
        name = _plain(wanted.name)
        if name in found or (wanted.marker and not wanted.marker.evaluate({"extra": extra})):
            continue
        found.add(name)
        for more in ("", *wanted.extras):
            try:
                _needed(requires(wanted.name) or (), found, more)
            except PackageNotFoundError:
                found.discard(name)  # for another system
    return found


@pytest.mark.rasa
def test_the_image_of_the_bot_gets_pinned_versions_alone_and_no_tool():
    pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")
    project = _project()
    extras = project["optional-dependencies"]
    pins = {_plain(name) for name in re.findall(r"^([\w.-]+)==", _pins(), re.MULTILINE)}
    tools = {_plain(Requirement(line).name) for line in extras["dev"]}

    inside = _needed([*project["dependencies"], *extras["rasa"], *extras["postgresql"]], set())

    assert len(inside) > 100
    assert inside - {"wheel", "pip"} <= pins  # those two no `pip freeze` names
    assert not inside & tools


def _pins() -> str:
    return (ROOT / "requirements.txt").read_text(encoding="utf-8")
