"""The guide "Set up handover by hand", done to the bot that `rasa init` makes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict

import pytest
from documents import ROOT, Block, blocks_of

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import rasa
import rasa.shared.utils.io
from rasa.core.agent import Agent
from rasa.model_training import train
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.validator import Validator

from handover_channel.messenger.return_button import BUTTON_PAYLOAD
from handover_channel.settings import loader

pytestmark = [
    pytest.mark.rasa,
    # Rasa says so of every domain with slots, and of the intents that no story of the bot of `rasa init` has.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

GUIDE = ROOT / "docs" / "guides" / "set-up-handover.md"
BOT_OF_RASA_INIT = Path(rasa.__file__).parent / "cli" / "initial_project"

#: The bot of `rasa init` has none of its own, and the one Rasa would choose trains for minutes.
PIPELINE = [
    {"name": "WhitespaceTokenizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 2, "max_ngram": 4},
    {"name": "LogisticRegressionClassifier", "random_state": 42},
]
#: Policies of the guide's list that train for minutes.
SLOW = ("TEDPolicy", "UnexpecTEDIntentPolicy")


def _files() -> Dict[str, Block]:
    found = [block for block in blocks_of(GUIDE) if block.file]
    assert len({block.file for block in found}) == len(found), "a file is shown twice"
    return {block.file: block for block in found}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the bot, after the guide."""
    folder = tmp_path_factory.mktemp("by_hand") / "bot"
    shutil.copytree(BOT_OF_RASA_INIT, folder)
    (folder / "domain").mkdir()
    (folder / "domain.yml").rename(folder / "domain" / "bot.yml")
    for name, block in _files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    config = rasa.shared.utils.io.read_yaml_file(folder / "config.yml")
    policies = [each for each in config["policies"] if each["name"] not in SLOW]
    whole = {"recipe": "default.v1", "assistant_id": "b", "language": "en", "pipeline": PIPELINE}
    rasa.shared.utils.io.write_yaml({**whole, "policies": policies}, folder / "config.yml")
    return folder


@pytest.fixture(scope="module")
def agent(bot: Path) -> Agent:
    """Rasa's agent of its model. There is no database: the slot says who has control."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(bot.parent)
        patched.delenv("HANDOVER_CONFIG", raising=False)
        made = train(str(bot / "domain"), str(bot / "config.yml"), [str(bot / "data")], str(bot / "models"))
        yield Agent.load(made.model)


def test_the_guide_shows_every_file_that_it_speaks_of():
    assert list(_files()) == [
        "config.yml",
        "domain/handover.yml",
        "data/handover.yml",
        "actions/handover.py",
        "endpoints.yml",
        "credentials.yml",
        "handover.yml",
        "tests/test_handover.yml",
    ]


def test_the_settings_are_accepted(bot, monkeypatch):
    monkeypatch.setenv("MESSENGER_SECRET", "s")
    monkeypatch.setenv("PAGE_ACCESS_TOKEN", "t")

    loaded = loader.load(str(bot / "handover.yml"))

    assert loaded.default_target == "inbox"
    assert loaded.secret == "s"


def test_the_policies_are_rasas_own_and_then_ours():
    given = rasa.shared.utils.io.read_yaml(_files()["config.yml"].text)["policies"]
    config = Path(rasa.__file__).parent / "engine/recipes/config_files/default_config.yml"

    assert given[:-1] == rasa.shared.utils.io.read_yaml_file(config)["policies"]
    assert given[-1] == {"name": "handover_channel.HandoverPolicy"}


def test_rasa_finds_nothing_wrong_with_domain_and_data(bot):
    importer = TrainingDataImporter.load_from_config(
        str(bot / "config.yml"), str(bot / "domain"), [str(bot / "data")]
    )
    validator = Validator.from_importer(importer)

    assert validator.verify_domain_validity()
    assert validator.verify_intents(ignore_warnings=False)
    assert validator.verify_story_structure(ignore_warnings=False)


def test_the_button_has_the_fixed_payload_once_rasa_has_filled_it_in(bot):
    (notice,) = Domain.load(str(bot / "domain")).responses["utter_handover"]

    assert [button["payload"].format() for button in notice["buttons"]] == [BUTTON_PAYLOAD]


def test_the_actions_are_those_of_the_domain(bot):
    offered: Dict[str, Any] = {}
    exec(_files()["actions/handover.py"].text, offered)  # noqa: S102 - our own guide

    names = {offered[name].name(offered[name]) for name in offered["__all__"]}
    assert names == {
        each for each in Domain.load(str(bot / "domain")).user_actions if each.startswith("action_")
    }


@pytest.mark.parametrize(
    "text", ["I want to talk to a human", "can somebody help me, a human please", "talk to an agent"]
)
async def test_people_are_asked_for_in_their_own_words(agent, text):
    parsed = await agent.parse_message(text)

    assert parsed["intent"]["name"] == "handover"


@pytest.mark.parametrize(("text", "intent"), [("are you a bot?", "bot_challenge"), ("hello", "greet")])
async def test_the_bots_own_intents_are_understood_as_before(agent, text, intent):
    parsed = await agent.parse_message(text)

    assert parsed["intent"]["name"] == intent


def _next(agent: Agent, *events: Any) -> str:
    assert agent.domain is not None
    assert agent.processor is not None
    tracker = DialogueStateTracker.from_events(
        "4711", [ActionExecuted("action_listen"), *events], slots=agent.domain.slots
    )
    action, _ = agent.processor.predict_next_with_tracker_if_should(tracker)
    return str(action.name())


def _said(text: str, intent: str) -> UserUttered:
    return UserUttered(text, {"name": intent, "confidence": 1.0}, input_channel="rest")


def test_the_notice_comes_before_the_handover_and_then_the_bot_is_silent_until_the_return(agent):
    asked = _said("a human please", "handover")
    handed_over = [
        asked,
        ActionExecuted("utter_handover"),
        ActionExecuted("action_handover"),
        SlotSet("handover_target", "inbox"),
        ActionExecuted("action_listen"),
    ]
    back = [SlotSet("handover_target", None), _said("back", "handover_returned")]

    assert _next(agent, asked) == "utter_handover"
    assert _next(agent, asked, ActionExecuted("utter_handover")) == "action_handover"
    assert _next(agent, *handed_over, _said("hello", "greet")) == "action_listen"
    assert _next(agent, *handed_over, *back) == "action_handover_return"
    assert _next(agent, *handed_over, *back, ActionExecuted("action_handover_return")) == (
        "utter_handover_returned"
    )


def test_the_bot_answers_as_before_where_nobody_else_has_control(agent):
    assert _next(agent, _said("are you a bot?", "bot_challenge")) == "utter_iamabot"
    assert _next(agent, _said("hello", "greet")) == "utter_greet"
