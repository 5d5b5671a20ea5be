"""A file of NLU suggestions, read by Rasa's own loader, and made of Rasa's own conversations."""

from __future__ import annotations

import asyncio
import warnings

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.exports import nlu_file, suggestions
from handover_channel.exports.masking import Masker
from handover_channel.rasa import trackers

pytest.importorskip("rasa")
pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*MovedIn20.*"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning"),
]


def loaded(text):
    """Texts by intent, as Rasa's loader reads them; warnings are errors."""
    from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        data = RasaYAMLReader().reads(text)
    assert not data.entity_examples
    assert not data.entity_synonyms
    found = {}
    for each in data.training_examples:
        found.setdefault(each.get("intent"), []).append(each.get("text"))
    return found


hostile = st.text(
    st.one_of(
        st.sampled_from("-#:|>'\"&*!%@`{}[]()\\$u0041 \n\r\t\x00\x1c\x85\u2028\u2029\ufeff\u202e\U0001f600"),
        st.characters(),
    ),
    max_size=40,
)


@given(texts=st.lists(hostile, max_size=6))
def test_rasa_reads_every_text_as_it_is_written(texts):
    masker = Masker()
    examples = list(dict.fromkeys(filter(None, (suggestions.example(text, masker) for text in texts))))

    found = loaded("".join(nlu_file.lines(examples, ["another one"])))

    assert found.get(nlu_file.SAID_BEFORE, []) == examples
    assert found[nlu_file.NOT_UNDERSTOOD] == ["another one"]


@pytest.mark.parametrize(
    "text",
    [
        "C:\\users\\sara",
        "\\u0041",
        "${HOME} $PATH",
        "[red](colour:blue)",
        '[red]{"entity": "colour"} and [x][{"entity": "y"}]',
        "- - -",
        "key: value # no comment",
        "%YAML 1.1",
        "--- ...",
        "intent: x\n  examples: |\n    - y",
    ],
)
def test_nothing_that_people_type_has_a_meaning_in_it(text):
    example = suggestions.example(text, Masker())

    assert loaded("".join(nlu_file.lines([example], []))) == {nlu_file.SAID_BEFORE: [example]}


def test_a_file_without_suggestions_loads():
    assert loaded("".join(nlu_file.lines([], []))) == {}


def test_conversations_are_read_from_rasas_store_one_after_the_other(tmp_path):
    from rasa.shared.core.events import ActionExecuted, UserUttered
    from rasa.shared.core.trackers import DialogueStateTracker

    path = tmp_path / "endpoints.yml"
    store = {"type": "SQL", "dialect": "sqlite", "db": str(tmp_path / "rasa.db")}
    path.write_text(yaml.safe_dump({"tracker_store": store}))
    events = [
        UserUttered("qwertz", {"name": "nlu_fallback"}),
        ActionExecuted("action_listen"),
        UserUttered("my parcel", {"name": "ask"}),
        UserUttered("a human", {"name": "handover"}),
        ActionExecuted("action_handover"),
    ]
    for thread in ("7001", "7002"):
        tracker = DialogueStateTracker.from_events(thread, events)
        asyncio.run(trackers._store(thread, path).save(tracker))

    found = suggestions.Suggestions(Masker(), ("handover",))
    with trackers.reader(path) as read:
        for thread in ("7001", "7002", "7003"):
            found.read(read(thread))

    assert found.said_before() == ["my parcel"]
    assert found.not_understood() == ["qwertz"]


def test_conversations_in_rasas_memory_are_out_of_reach(tmp_path):
    path = tmp_path / "endpoints.yml"
    path.write_text("")

    with pytest.raises(trackers.TrackerOutOfReach, match="nothing to read"), trackers.reader(path):
        pass
