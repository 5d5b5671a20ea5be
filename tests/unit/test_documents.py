"""Tests that what README and docs/ say to type is known, and where they lead to is there."""

from __future__ import annotations

import re
import shlex
from typing import Any, List

import pytest
import typer
from documents import ROOT, anchors, blocks, documents, links

from handover_channel.cli import main

SHELL = [
    (block, line)
    for block in blocks("sh", "bash", "shell")
    for line in block.text.replace("\\\n", " ").splitlines()
]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))

#: Commands of Rasa that the documents use -> the options with which they do.
RASA = {
    "rasa train": {"--domain"},
    "rasa run": {"--enable-api", "--credentials", "--endpoints"},
    "rasa run actions": set(),
    "rasa test": {"--stories"},
    "rasa test e2e": set(),  # Rasa Pro's: `make try-pro`, with a licence key
    "rasa data validate": {"--domain"},
    "rasa data migrate": set(),
}


def commands_of(program: str) -> List[str]:
    """The lines of shell blocks that run *program*, whatever stands before it."""
    lines = (re.sub(r"\s#.*", "", line).strip() for _, line in SHELL)
    found = (re.search(rf"(?:^|&& |\| |\.venv/bin/){program} .*", line) for line in lines)
    return [match.group(0).removeprefix("&& ").removeprefix(".venv/bin/") for match in found if match]


def check_call(words: List[str]) -> None:
    """Fail where `handover` has no such command, or the command not these options."""
    command: Any = typer.main.get_command(main.app)
    rest = words[1:]
    while getattr(command, "commands", None):
        if rest and rest[0] in command.commands:
            command, rest = command.commands[rest[0]], rest[1:]
        else:
            assert not rest or command.invoke_without_command, f"there is no {' '.join(words)}"
            break
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known, " ".join(words)


def test_the_documents_have_commands_to_type():
    assert len(commands_of("handover")) > 20
    assert commands_of("make")
    assert commands_of("rasa")


@pytest.mark.parametrize("line", sorted(set(commands_of("handover"))))
def test_every_handover_command_of_the_documents_exists_with_its_options(line):
    check_call(shlex.split(line.partition(" > ")[0]))


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            line
            for path in documents()
            for line in re.findall(r"`handover ([a-z]+)\b", path.read_text(encoding="utf-8"))
        }
    ),
)
def test_every_handover_command_named_in_a_sentence_exists(name):
    check_call(["handover", name])


@pytest.mark.parametrize("line", sorted(set(commands_of("make"))))
def test_every_make_target_of_the_documents_exists(line):
    targets = re.findall(r"^([\w.-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert set(re.findall(r"^make ([\w-]+)", line)) <= set(targets)


@pytest.mark.parametrize("line", sorted(set(commands_of("rasa"))))
def test_every_rasa_command_of_the_documents_is_one_of_those_that_are_tried(line):
    name = re.match(r"rasa(?: [a-z0-9]+\b)+", line).group(0)
    used = set(re.findall(r"--[a-z-]+", line))

    assert name in RASA
    assert used <= RASA[name]


@pytest.mark.parametrize("link", links(), ids=str)
def test_every_link_of_the_documents_leads_to_a_file_and_a_heading(link):
    name, _, anchor = link.target.partition("#")
    path = ((ROOT / link.document).parent / name).resolve() if name else ROOT / link.document

    assert path.exists()
    assert path == ROOT or ROOT in path.parents
    if anchor:
        assert anchor in anchors(path)


def test_the_start_page_leads_to_every_guide():
    start = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")

    assert GUIDES
    assert not [path.name for path in GUIDES if f"(guides/{path.name})" not in start]


def test_the_site_lists_every_page():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = set(re.findall(r"[\w/-]+\.md", settings))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}

    assert listed == {name for name in pages if not name.startswith("decisions/")}


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_a_guide_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_what_a_guide_calls_not_sure_or_reported_is_marked_in_one_way(path):
    text = path.read_text(encoding="utf-8").lower()

    assert not re.findall(r"\b(?:probably|presumably|i think|apparently|we believe)\b", text)
