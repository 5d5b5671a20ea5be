"""Each classifier of Rasa's says which intents it was trained with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.core.agent import Agent
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.model_training import train_nlu
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.classifiers.sklearn_intent_classifier import SklearnIntentClassifier
from sklearn.preprocessing import LabelEncoder

from handover_channel.rasa.known_intents import known_intents

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

FEATURES = [{"name": "WhitespaceTokenizer"}, {"name": "CountVectorsFeaturizer"}]
GREET = {"intent": "greet", "examples": "- hello\n- hi\n- good morning\n"}
BYE = {"intent": "bye", "examples": "- bye\n- see you\n- good night\n"}


@pytest.mark.parametrize(
    ("classifiers", "more"),
    [
        ([{"name": "LogisticRegressionClassifier"}], set()),
        ([{"name": "KeywordIntentClassifier"}], set()),
        ([{"name": "DIETClassifier", "epochs": 1}], set()),
        ([{"name": "KeywordIntentClassifier"}, {"name": "FallbackClassifier"}], {"nlu_fallback"}),
    ],
    ids=lambda given: given[0]["name"] if isinstance(given, list) else "",
)
def test_a_model_tells_the_intents_that_it_was_trained_with(classifiers, more, tmp_path):
    pipeline = [*FEATURES, *classifiers]
    config = {"recipe": "default.v1", "assistant_id": "a-bot", "language": "en", "pipeline": pipeline}
    (tmp_path / "config.yml").write_text(yaml.safe_dump(config))
    (tmp_path / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": [GREET, BYE]}))

    model = train_nlu(str(tmp_path / "config.yml"), str(tmp_path / "nlu.yml"), str(tmp_path))

    assert known_intents(Agent.load(model)) == {"greet", "bye", *more}


def _agent(*components):
    nodes = {str(number): SimpleNamespace(_component=each) for number, each in enumerate(components)}
    return SimpleNamespace(processor=SimpleNamespace(graph_runner=SimpleNamespace(_instantiated_nodes=nodes)))


def test_so_does_the_one_that_needs_vectors_of_a_language(tmp_path):
    encoder = LabelEncoder().fit(["greet", "bye"])
    defaults = SklearnIntentClassifier.get_default_config()
    classifier = SklearnIntentClassifier(defaults, LocalModelStorage(tmp_path), Resource("it"), le=encoder)

    assert known_intents(_agent(classifier)) == {"greet", "bye"}


class Stranger(IntentClassifier):
    """A classifier of the bot's own."""


@pytest.mark.parametrize("components", [[], [Stranger()]])
def test_without_a_classifier_and_with_a_strange_one_nothing_is_known(components):
    assert known_intents(_agent(*components)) is None
