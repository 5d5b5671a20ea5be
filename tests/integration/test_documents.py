"""Every YAML block of the documents is read by Rasa's loader, and by the reader that it is for."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, Mapping

import pytest
from documents import ROOT, Block, blocks

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import rasa
import rasa.shared.utils.io
import ruamel.yaml
from rasa.core.utils import AvailableEndpoints
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

from handover_channel.settings import loader
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL
from handover_channel.settings.reference import TABLES
from handover_channel.testing.scenario import parse

pytestmark = [
    pytest.mark.rasa,
    # Rasa says so of every domain with slots.
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
]

#: Those that Rasa Pro reads are read by it: tests/pro/test_documented.py.
ALL = [
    block
    for block in blocks("yaml", "yml")
    if not (block.document == "docs/calm.md" and re.search(r"^flows:|FlowPolicy", block.text, re.MULTILINE))
]
GUIDE = ROOT / "docs" / "guides" / "set-up-handover.md"
WITHOUT_MESSENGER = "without Messenger"
ADDITION = "# an addition to handover.yml"

PROOFS = {"verify": "v", "secret": "s", "page-access-token": "t"}


def _domain(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    Domain.from_yaml(block.text).as_dict()


def _training_data(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    if "nlu" in given:
        assert RasaYAMLReader().reads(_versioned(block.text)).intent_examples
    if {"rules", "stories"} & set(given):
        assert YAMLStoryReader().read_from_parsed_yaml(dict(given))


def _config(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    for component in (*given.get("policies", ()), *given.get("pipeline", ())):
        _component(component["name"]).get_default_config()


def _component(name: str) -> Any:
    module, _, last = name.rpartition(".")
    if module:
        return getattr(import_module(module), last)
    return DefaultV1Recipe._from_registry(name).clazz


def _endpoints(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    (folder / "endpoints.yml").write_text(block.text, encoding="utf-8")
    found = AvailableEndpoints.read_endpoints(str(folder / "endpoints.yml"))

    assert found.action or found.tracker_store or found.lock_store


def _credentials(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    app = "" if CHANNEL not in given else "app_id: '1234567890'"
    _load(folder, app, block.text)


def _handover(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    if WITHOUT_MESSENGER in block.text.splitlines()[0]:
        _load(folder, block.text, f"{INBOX_CHANNEL}:")
    else:
        before = "app_id: '1234567890'\n" if block.text.startswith(ADDITION) else ""
        _load(folder, before + block.text, f"{CHANNEL}: {PROOFS}")


def _hours(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    (line,) = block.text.splitlines()
    _load(folder, f"targets: {{inbox: {{kind: inbox, {line}}}}}", f"{INBOX_CHANNEL}:")


def _scenarios(block: Block, given: Mapping[str, Any], folder: Path) -> None:
    assert parse(block.text, folder / "documented.yml")


def _load(folder: Path, handover: str, credentials: str) -> None:
    (folder / "handover.yml").write_text(handover, encoding="utf-8")
    (folder / "credentials.yml").write_text(credentials, encoding="utf-8")
    loader.load(str(folder / "handover.yml"), environ=os.environ)


def _versioned(text: str) -> str:
    return text if "version:" in text else f'version: "3.1"\n{text}'


#: Keys, of which a block has at least one and nothing else -> who reads it.
READERS: Dict[str, Callable[[Block, Mapping[str, Any], Path], None]] = {
    "version intents entities slots forms actions responses session_config": _domain,
    "version rules stories nlu": _training_data,
    "recipe assistant_id language pipeline policies": _config,
    "action_endpoint tracker_store lock_store event_broker": _endpoints,
    f"{CHANNEL} {INBOX_CHANNEL} rest socketio": _credentials,
    " ".join((*(key.name for key in TABLES["handover.yml"]), "return")): _handover,
    "hours": _hours,
    "scenarios": _scenarios,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """What the blocks take from it."""
    monkeypatch.setenv("MESSENGER_SECRET", "s")
    monkeypatch.setenv("PAGE_ACCESS_TOKEN", "t")
    monkeypatch.setenv("NOTES_TOKEN", "n")
    monkeypatch.delenv("HANDOVER_CONFIG", raising=False)


def test_there_are_blocks_of_each_kind():
    kinds = {_reader(_read(block)) for block in ALL}

    assert kinds == set(READERS.values())


@pytest.mark.parametrize("block", ALL, ids=str)
def test_every_yaml_block_of_the_documents_is_read_by_rasa_and_by_whom_it_is_for(block, tmp_path):
    given = _read(block)

    _reader(given)(block, given, tmp_path)


def _read(block: Block) -> Mapping[str, Any]:
    given = rasa.shared.utils.io.read_yaml(block.text)
    assert isinstance(given, dict), f"{block} has no keys"
    return given


def _reader(given: Mapping[str, Any]) -> Callable[[Block, Mapping[str, Any], Path], None]:
    (found,) = (reader for keys, reader in READERS.items() if set(given) <= set(keys.split()))
    return found


@pytest.mark.parametrize(
    "text",
    ["a: {text: Why? }", "intents: [a]\nintents: [b]"],
    ids=["a question mark before a brace", "a section twice"],
)
def test_what_rasa_does_not_read_is_found(text):
    with pytest.raises((ruamel.yaml.YAMLError, rasa.shared.exceptions.YamlException)):
        _read(Block("x.md", 1, "yaml", text))
