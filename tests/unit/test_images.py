"""The Dockerfile fits what it packs: no engine builds it here, so what it names is looked for."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKDIR = "/app"


class Stage(NamedTuple):
    """One image of the file."""

    name: str
    python: str
    steps: List[List[str]]  #: instruction, the rest of its line; in order

    def given(self, instruction: str) -> List[str]:
        return [rest for each, rest in self.steps if each == instruction]

    @property
    def copied(self) -> Dict[str, str]:
        """Where each file or folder of this checkout is in the image."""
        found = {}
        for line in self.given("COPY"):
            *sources, target = line.split()
            for source in sources:
                inside = target + Path(source).name if (ROOT / source).is_file() else target
                found[source.rstrip("/")] = f"{WORKDIR}/{inside.removeprefix('./').rstrip('/')}"
        return found


def _stages() -> Iterator[Stage]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    for part in re.split(r"^(?=FROM )", text, flags=re.MULTILINE):
        found = re.match(r"FROM python:(\d\.\d+)-slim-bookworm AS (\w+)\n", part)
        if found:
            lines = [line for line in part.splitlines()[1:] if line]
            yield Stage(found.group(2), found.group(1), [line.split(None, 1) for line in lines])


STAGES = {stage.name: stage for stage in _stages()}
every_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)


def _installs(stage: Stage) -> Iterator[str]:
    return (each for run in stage.given("RUN") for each in run.split("&&") if "pip install" in each)


def _extras(stage: Stage) -> Set[str]:
    return {
        name
        for each in _installs(stage)
        for extras in re.findall(r"\.\[(.*?)\]", each)
        for name in extras.split(",")
    }


def _pins(stage: Stage) -> Dict[str, str]:
    (name,) = {name for each in _installs(stage) for name in re.findall(r"--constraint (\S+)", each)}
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    # pip takes a constraint without extras alone.
    pinned = [re.fullmatch(r"([\w.-]+)==([\w.+!-]+)(?:\s*;.*)?", line) for line in lines if line]
    assert all(pinned), name
    return {canonicalize_name(each.group(1)): each.group(2) for each in pinned}


def _wanted(stage: Stage) -> Iterator[Requirement]:
    environment = {
        **default_environment(),
        "python_version": stage.python,
        "python_full_version": f"{stage.python}.0",
        "sys_platform": "linux",
        "extra": "",
    }
    lines = list(PROJECT["project"]["dependencies"])
    for extra in _extras(stage):
        lines += PROJECT["project"]["optional-dependencies"][extra]
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement


def test_the_compose_file_builds_the_images_that_there_are():
    built = [each["build"] for each in COMPOSE["services"].values() if "build" in each]

    assert {each["target"] for each in built} == set(STAGES) == {"rasa", "actions"}
    assert {(each["context"], each["dockerfile"]) for each in built} == {(".", "deploy/Dockerfile")}


@every_stage
def test_an_images_python_is_one_that_the_package_takes(stage):
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(f"{stage.python}.0")


@every_stage
def test_the_extras_that_are_installed_are_there(stage):
    assert _extras(stage)
    assert _extras(stage) <= set(PROJECT["project"]["optional-dependencies"])


@every_stage
def test_all_that_the_package_wants_is_pinned_at_a_version_that_it_takes(stage):
    pins, wanted = _pins(stage), list(_wanted(stage))

    assert len(wanted) > 10
    assert {"rasa": "rasa", "actions": "rasa-sdk"}[stage.name] in {each.name for each in wanted}
    assert [
        str(each) for each in wanted if not each.specifier.contains(pins[canonicalize_name(each.name)])
    ] == []


@every_stage
def test_a_build_without_isolation_finds_what_it_builds_with(stage):
    pins = _pins(stage)
    for requirement in map(Requirement, PROJECT["build-system"]["requires"]):
        if any("--no-build-isolation" in each for each in _installs(stage)):
            assert requirement.name in {each.name for each in _wanted(stage)}
            assert requirement.specifier.contains(pins[requirement.name])


@every_stage
def test_what_is_installed_and_run_was_copied_before(stage):
    there: Set[str] = set()
    needed = {"pyproject.toml", PROJECT["project"]["readme"], "LICENSE"}
    for instruction, rest in stage.steps:
        if instruction == "COPY":
            there |= {each.rstrip("/") for each in rest.split()[:-1]}
        if instruction == "RUN" and "pip install" in rest:
            assert needed | set(re.findall(r"--constraint (\S+)", rest)) <= there
            assert "handover_channel" in there or "mkdir handover_channel" in rest
        if instruction == "RUN" and "rasa train" in rest:
            assert {"handover_channel", "config.yml", "domain.yml", "data"} <= there
    assert {"handover_channel", "deploy/bot", "deploy/is_healthy.py"} <= there


@every_stage
def test_nobody_runs_it_as_root(stage):
    order = [instruction for instruction, _ in stage.steps]

    (user,) = stage.given("USER")
    assert any(f"useradd --create-home {user}" in each for each in stage.given("RUN"))
    assert order.index("USER") > max(index for index, each in enumerate(order) if each == "RUN")


def test_the_health_checks_run_a_file_that_is_in_the_image_at_a_port_of_it():
    for service in COMPOSE["services"].values():
        if "build" not in service:
            continue
        stage = STAGES[service["build"]["target"]]
        _, python, script, url = service["healthcheck"]["test"]
        assert python == "python"
        assert script in stage.copied.values()
        assert [re.search(r":(\d+)/", url).group(1)] == stage.given("EXPOSE")


def test_what_the_compose_file_mounts_is_there():
    mounted = [each for service in COMPOSE["services"].values() for each in service.get("volumes", ())]
    paths = [each.split(":")[0] for each in mounted if each.startswith(".")]

    assert paths
    assert [each for each in paths if not (ROOT / each).is_file()] == []
    named = {each.split(":")[0] for each in mounted if not each.startswith(".")}
    assert named == set(COMPOSE["volumes"])


def test_the_bot_is_started_with_files_that_are_in_the_image():
    stage = STAGES["rasa"]
    (command,) = (json.loads(each) for each in stage.given("CMD"))
    given = dict(zip(command[2::2], command[3::2]))
    settings = {each.name for each in (ROOT / "deploy" / "bot").iterdir()}

    assert {given["--credentials"], given["--endpoints"], "handover.yml"} <= settings
    assert f"rasa train --out {given['--model']} " in " ".join(stage.given("RUN"))
    assert [given["--port"]] == stage.given("EXPOSE")


def test_the_actions_are_started_from_a_module_that_is_in_the_image():
    stage = STAGES["actions"]
    (command,) = (json.loads(each) for each in stage.given("CMD"))
    given = dict(zip(command[3::2], command[4::2]))

    assert command[:3] == ["python", "-m", "rasa_sdk"]
    assert given == {"--actions": "actions", "--port": stage.given("EXPOSE")[0]}
    assert stage.copied["actions"] == f"{WORKDIR}/actions"
    assert (ROOT / "actions" / "__init__.py").is_file()


@pytest.mark.parametrize(
    ("pinned", "python"),
    [("requirements.txt", "3.10"), ("requirements-next.txt", "3.12"), ("requirements-pro.txt", "3.12")],
)
def test_each_environment_has_all_that_the_package_needs(pinned, python):
    lines = (ROOT / pinned).read_text(encoding="utf-8").splitlines()
    versions = {
        canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)
    }
    needed = [Requirement(each) for each in PROJECT["project"]["dependencies"]]
    there = {**default_environment(), "python_version": python, "sys_platform": "linux"}

    for each in needed:
        if each.marker is None or each.marker.evaluate(there):
            name = canonicalize_name(each.name)
            assert name in versions, f"{pinned} has no {name}"
            assert versions[name] in each.specifier, f"{pinned}: {each} is wanted"
