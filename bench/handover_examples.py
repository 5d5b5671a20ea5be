"""Measures what the examples of `handover init` do to a small bot: `python -m bench.handover_examples`.

Each bot is trained with every English example, and with those that `handover init` chooses beside its own;
with two pipelines. Counted is what of the sentences held out goes to the intent `handover`: those of the
bot's own intents, those of none, and requests for people. The six trainings of Rasa's default pipeline take
minutes.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import yaml
from handover_channel.project_setup.phrases import ENGLISH
from handover_channel.project_setup.training_data import examples_beside
from handover_channel.rules.bot_contract import HANDOVER_INTENT

from bench.sentences import MOODBOT, NOTHING, REQUESTS, SHOP, Bot

#: Both with Rasa's FallbackClassifier, as in the pipeline that `rasa train` takes where there is none.
_FEATURES: List[Dict[str, Any]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
]
REGRESSION: List[Dict[str, Any]] = [
    *_FEATURES,
    {"name": "LogisticRegressionClassifier", "max_iter": 200, "random_state": 42},
    {"name": "FallbackClassifier", "threshold": 0.3},
]
DIET: List[Dict[str, Any]] = [
    _FEATURES[0],
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    *_FEATURES[1:],
    {"name": "DIETClassifier", "epochs": 100, "random_seed": 42, "constrain_similarities": True},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
]
PIPELINES = {"logistic regression": REGRESSION, "Rasa's default": DIET}


@dataclass(frozen=True)
class Taken:
    """What goes to `handover`, of how many."""

    own: Tuple[int, int]  #: sentences of the bot's own intents
    nothing: Tuple[int, int]  #: of none
    requests: Tuple[int, int]  #: that ask for people


def bots() -> Dict[str, Bot]:
    """Return the bots: the shop, a part of it with four examples an intent, and that of `rasa init`."""
    start = Path(str(import_module("rasa.cli").__file__)).parent / "initial_project" / "data" / "nlu.yml"
    given = yaml.safe_load(start.read_text(encoding="utf-8"))["nlu"]
    moodbot = {each["intent"]: [said[2:] for said in each["examples"].splitlines()] for each in given}
    tiny = ("greet", "goodbye", "opening_hours", "order_status", "return_item")
    return {
        "shop": SHOP,
        "small shop": {intent: (SHOP[intent][0][:4], SHOP[intent][1]) for intent in tiny},
        "rasa init": {intent: (said, MOODBOT[intent]) for intent, said in moodbot.items()},
    }


def chosen(bot: Bot) -> List[str]:
    """Return the examples that `handover init` writes for this bot."""
    return examples_beside({intent: tuple(said) for intent, (said, _) in bot.items()}, ("en",))[0]


def measure(bot: Bot, handover: List[str], pipeline: List[Dict[str, Any]], folder: Path) -> Taken:
    """Train the bot with these examples of a request, in *folder*, and ask it."""
    examples = {**{intent: said for intent, (said, _) in bot.items()}, HANDOVER_INTENT: handover}
    understood = _trained(examples, pipeline, folder)

    def taken(sentences: List[str]) -> Tuple[int, int]:
        intents = [asyncio.run(understood.parse_message(each))["intent"]["name"] for each in sentences]
        return intents.count(HANDOVER_INTENT), len(sentences)

    own = [each for _, held_out in bot.values() for each in held_out]
    return Taken(taken(own), taken(NOTHING), taken(REQUESTS))


def _trained(examples: Mapping[str, List[str]], pipeline: List[Dict[str, Any]], folder: Path) -> Any:
    nlu = [
        {"intent": intent, "examples": "".join(f"- {each}\n" for each in said)}
        for intent, said in examples.items()
    ]
    config = {"recipe": "default.v1", "assistant_id": "a-bot", "language": "en", "pipeline": pipeline}
    for name, content in {"nlu.yml": {"version": "3.1", "nlu": nlu}, "config.yml": config}.items():
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    train = import_module("rasa.model_training").train_nlu
    model = train(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
    return import_module("rasa.core.agent").Agent.load(model)


def main() -> None:
    """Print the table, a row as soon as it is there."""
    import_module("rasa.utils.log_utils").configure_structlog(logging.WARNING)
    heads = ("pipeline", "bot", "examples", "own sentences", "of no intent", "requests for people")
    _row(*heads)
    _row(*("---" for _ in heads))
    for pipeline, components in PIPELINES.items():
        for name, bot in bots().items():
            for count, handover in (("all", list(ENGLISH.examples)), ("chosen", chosen(bot))):
                with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
                    found = measure(bot, handover, components, Path(folder))
                counts = (f"{some} of {of}" for some, of in (found.own, found.nothing, found.requests))
                _row(pipeline, name, f"{count} {len(handover)}", *counts)


def _row(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
