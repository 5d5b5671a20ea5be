"""The features of a message come out as Rasa puts them together, entry by entry and bit by bit."""

from __future__ import annotations

from typing import Any, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import numpy as np
from rasa.nlu.classifiers import logistic_regression_classifier
from rasa.nlu.classifiers.logistic_regression_classifier import LogisticRegressionClassifier
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, FEATURE_TYPE_SEQUENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from scipy import sparse

from handover_channel.rasa.cheaper_features import OF_FEATURES, _of_the_sentence, _side_by_side

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.usefixtures("rasas_own"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

THEIRS = {
    name: getattr(method, "__wrapped__", method)
    for saving in OF_FEATURES
    for name in saving.stands_in
    for method in [getattr(saving.owner, name)]
}


@st.composite
def _matrices(draw: Any, rows: int) -> Any:
    columns = draw(st.integers(1, 6))
    count = draw(st.integers(0, 8))
    some = {"min_size": count, "max_size": count}
    numbers = draw(st.sampled_from(["int32", "int64", "float32", "float64", "bool", "complex128"]))
    data = np.array(draw(st.lists(st.integers(0, 3), **some))).astype(numbers)
    row = draw(st.lists(st.integers(0, rows - 1), **some))  # entries may come twice, and in any order
    col = draw(st.lists(st.integers(0, columns - 1), **some))
    matrix = sparse.coo_matrix((data, (row, col)), shape=(rows, columns))
    return matrix.asformat(draw(st.sampled_from(["coo", "coo", "coo", "csr", "csc"])))


def _seen(matrix: Any) -> List[Any]:
    """Return all there is to see of a sparse matrix."""
    parts = ("data", "row", "col", "indices", "indptr")
    arrays = [getattr(matrix, part) for part in parts if hasattr(matrix, part)]
    return [type(matrix), matrix.shape, *((each.dtype, each.tolist()) for each in arrays)]


def _combined(kind: Any, matrices: List[Any]) -> Any:
    features = [kind(each.copy(), FEATURE_TYPE_SENTENCE, TEXT, "featurizer") for each in matrices]
    try:
        found = Message._combine_features(features, ["all"])
    except ValueError as error:
        return str(error)
    left = [_seen(each.features) for each in features]
    return left, _seen(found.features), found.type, found.attribute, found.origin, found.fingerprint()


class _Ours(Features):
    _combine_sparse_features = _side_by_side(THEIRS["_combine_sparse_features"])


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 3))
def test_sparse_features_side_by_side_are_the_same_matrix(data, rows):
    matrices = data.draw(st.lists(_matrices(rows), min_size=1, max_size=4))

    assert _combined(_Ours, matrices) == _combined(Features, matrices)


def test_features_of_texts_of_unequal_length_are_refused_with_the_same_words():
    matrices = [sparse.coo_matrix(np.ones((rows, 2))) for rows in (1, 2)]

    said = _combined(_Ours, matrices)

    assert "sequence dimensions do not match: 1 != 2" in said
    assert said == _combined(Features, matrices)


@st.composite
def _messages(draw: Any) -> Message:
    message = Message({TEXT: "hello there"})
    for matrix in draw(st.lists(_matrices(1), max_size=3)):
        message.add_features(Features(matrix, FEATURE_TYPE_SENTENCE, TEXT, "one"))
        message.add_features(Features(sparse.coo_matrix(np.ones((2, 3))), FEATURE_TYPE_SEQUENCE, TEXT, "one"))
    if draw(st.integers(0, 3)) == 0:
        message.add_features(Features(np.ones((1, 2)), FEATURE_TYPE_SENTENCE, TEXT, "two"))
    return message


def _asked(create: Any, messages: List[Message]) -> Any:
    classifier = LogisticRegressionClassifier.__new__(LogisticRegressionClassifier)
    try:
        matrix = create(classifier, messages)
    except ValueError as error:
        return str(error)
    return _seen(matrix), bool(matrix.has_sorted_indices), bool(matrix.has_canonical_format)


@settings(max_examples=150, deadline=None)
@given(st.lists(_messages(), min_size=1, max_size=2) | st.lists(_messages(), min_size=1, max_size=1))
def test_the_classifier_is_asked_about_the_same_matrix(messages):
    theirs = THEIRS["_create_X"]

    assert _asked(_of_the_sentence(theirs), messages) == _asked(theirs, messages)


def test_the_classifier_does_not_stack_matrices_for_one_message(monkeypatch):
    monkeypatch.setattr(
        logistic_regression_classifier, "hstack", lambda *_: pytest.fail("matrices were stacked")
    )
    message = Message({TEXT: "hello"})
    message.add_features(Features(sparse.coo_matrix(np.ones((1, 3))), FEATURE_TYPE_SENTENCE, TEXT, "one"))

    kind, shape, *_ = _asked(_of_the_sentence(THEIRS["_create_X"]), [message])[0]

    assert (kind, shape) == (sparse.csr_matrix, (1, 3))
