"""Reads from the classifiers of a model which intents they tell apart: those with examples in training.

Each kind keeps them elsewhere, and Rasa 3.6 has no method that gives them. Where one kind is not known here,
nothing is: it may tell any intent.
"""

from __future__ import annotations

from typing import Any, Callable, FrozenSet, Iterable, Mapping, Optional, Set

from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME

#: Name of a classifier's class -> its intents. By name: importing these takes TensorFlow.
_INTENTS: Mapping[str, Callable[[Any], Iterable[Any]]] = {
    "DIETClassifier": lambda it: it.index_label_id_mapping.values(),
    "LogisticRegressionClassifier": lambda it: it.clf.classes_,
    "SklearnIntentClassifier": lambda it: it.le.classes_,
    "KeywordIntentClassifier": lambda it: it.intent_keyword_map.values(),
    "FallbackClassifier": lambda it: (DEFAULT_NLU_FALLBACK_INTENT_NAME,),
}


def known_intents(agent: Any) -> Optional[FrozenSet[str]]:
    """Return the intents that the model of *agent* tells apart, None where that is not known."""
    nodes = getattr(agent.processor.graph_runner, "_instantiated_nodes", {}).values()
    classifiers = [each._component for each in nodes if isinstance(each._component, IntentClassifier)]
    found: Set[str] = set()
    for each in classifiers:
        kind = type(each).__name__
        if kind not in _INTENTS:
            return None
        found.update(str(intent) for intent in _INTENTS[kind](each))
    # Without any there is no NLU, or one of another kind.
    return frozenset(found) if found - {DEFAULT_NLU_FALLBACK_INTENT_NAME} else None
