"""Puts the features of a message together as Rasa does, for less.

1. Two sparse matrices side by side are one matrix with the entries of both. Rasa asks scipy's `hstack`, which
   is made for any number of blocks in any format.
2. `LogisticRegressionClassifier` takes the features of the sentence. Rasa puts those of each word together,
   too, and stacks what comes of it with matrices without columns.

What is not this plain (other formats, dense features, several messages at a time) is left to Rasa.
"""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

import numpy as np
from rasa.nlu.classifiers.logistic_regression_classifier import LogisticRegressionClassifier
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from scipy.sparse import coo_matrix, csr_matrix

from handover_channel.rasa.savings import Saving

_Method = Callable[..., Any]

#: Types of numbers of which `hstack` takes the wider, as numpy does.
_WIDTHS = frozenset(np.dtype(each) for each in ("int32", "int64", "float32", "float64"))

#: Whose numbers 32 bits hold.
_MOST_COLUMNS = np.iinfo(np.int32).max


def _side_by_side(combine: _Method) -> _Method:
    def _combine_sparse_features(ours: Features, others: Features) -> None:
        left, right = ours.features, others.features
        if not _fit(left, right):
            combine(ours, others)
            return
        columns = left.shape[1]
        entries = np.concatenate((left.data, right.data))
        places = np.concatenate((left.row, right.row)), np.concatenate((left.col, right.col + columns))
        ours.features = coo_matrix((entries, places), shape=(left.shape[0], columns + right.shape[1]))
        ours._cached_fingerprint = None

    return _combine_sparse_features


def _fit(left: Any, right: Any) -> bool:
    if not (_is_plain(left) and _is_plain(right)):
        return False
    return bool(left.shape[0] == right.shape[0] and left.shape[1] + right.shape[1] <= _MOST_COLUMNS)


def _is_plain(matrix: Any) -> bool:
    return type(matrix) is coo_matrix and matrix.dtype in _WIDTHS and matrix.col.dtype == np.int32


def _of_the_sentence(create: _Method) -> _Method:
    def _create_X(classifier: LogisticRegressionClassifier, messages: List[Message]) -> Any:  # noqa: N802
        if len(messages) == 1 and type(messages[0]) is Message:
            message = messages[0]
            _, sparse = message._filter_sparse_features(TEXT, [])
            _, dense = message._filter_dense_features(TEXT, [])
            found = Message._combine_features(sparse, []) if sparse and not dense else None
            if found is not None and _is_plain(found.features) and found.features.shape[0] == 1:
                return csr_matrix(found.features, dtype=np.float64)
        return create(classifier, messages)

    return _create_X


#: In the order of what they save in a turn.
OF_FEATURES: Tuple[Saving, ...] = (
    Saving(
        "taking the features of a sentence",
        LogisticRegressionClassifier,
        {"_create_X": _of_the_sentence},
        written_for={"_create_X": "c2c22dc54a02b80a"},
        relies_on=(
            (
                Message,
                {
                    "_combine_features": "51accbf2ce123c58",
                    "_filter_sparse_features": "cbb860214f82af7b",
                    "_filter_dense_features": "708f3fc24d89649d",
                    "get_sparse_features": "d37078acff5a1bac",
                    "get_dense_features": "797ade88fa3cb01c",
                },
            ),
        ),
    ),
    Saving(
        "putting features side by side",
        Features,
        {"_combine_sparse_features": _side_by_side},
        written_for={"_combine_sparse_features": "21fd7d3c9a73c5b0"},
    ),
)
