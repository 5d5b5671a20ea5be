"""No English sentence of ours is left on the page in another language."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("babel")

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from test_inbox_rendering import (
    NOW,
    YOU,
    Document,
    draw,
    draw_thread,
    everything,
    item,
    list_view,
    thread_view,
)

import handover_channel
from handover_channel.errors import (
    EntranceRefused,
    GraphError,
    InputRefused,
    Refused,
    TooManyAttempts,
)
from handover_channel.graph_api import errors as graph_errors
from handover_channel.graph_api import transport
from handover_channel.graph_api.errors import BY_CODE, BY_SUBCODE, BY_TEXT, error_of
from handover_channel.graph_api.remedies import REMEDIES, Caller, reworded
from handover_channel.inbox import agents_words, labels
from handover_channel.inbox.refusals import FAULT, NO_DATABASE
from handover_channel.inbox.rendering import HERE, translations
from handover_channel.inbox.translation import translated
from handover_channel.inbox.view_models import Colleague, ControlChange, Filters, Said
from handover_channel.replies.sending_rules import NOT_HEARD, PEOPLE_ONLY, TOO_LATE
from handover_channel.rules.budget import LOOPS
from handover_channel.rules.languages import LANGUAGES
from handover_channel.sentences import Sentence, counted, kept, restored
from handover_channel.store.replies import NEVER_BEGUN

PACKAGE = Path(handover_channel.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]
PLACES = re.compile(r"%\((\w+)\)[-.0-9]*[a-z]")
MARKUP = re.compile(r"<[^>]+>|->|`[^`]+`")

#: Places that a translation may do without: they hold a word for those who run the bot.
LEFT_OUT = {"reason"}


def kinds_of(error):
    return {error.__name__}.union(*map(kinds_of, error.__subclasses__()))


#: Errors whose first argument is a text for the page.
REFUSALS = set().union(*map(kinds_of, (Refused, EntranceRefused, InputRefused)))


@cache
def texts_of_the_page():
    """Every text that can be drawn, with where it stands: (singular,) or (singular, plural)."""
    methods = [
        ("inbox/templates/*.html", "jinja2.ext:babel_extract"),
        ("simulator/**.py", "ignore"),
        ("**.py", "python"),
    ]
    options = {"inbox/templates/*.html": {"trimmed": "true"}}
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "counted": (1, 2), "Sentence": None}
    keywords.update(dict.fromkeys(REFUSALS))
    found = extract_from_dir(str(PACKAGE), methods, options, keywords=keywords)
    return {
        (text,) if isinstance(text, str) else tuple(text): f"{file}:{line}"
        for file, line, text, _, _ in found
    }


@cache
def catalogue(language):
    with (HERE / "locale" / language / "messages.po").open("rb") as file:
        return {
            (message.id,) if isinstance(message.id, str) else tuple(message.id): message
            for message in read_po(file, locale=language)
            if message.id
        }


def forms(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_no_other(language):
    messages, texts = catalogue(language), texts_of_the_page()

    assert {text: texts[text] for text in set(texts) - set(messages)} == {}
    assert set(messages) - set(texts) == set()
    for message in messages.values():
        assert all(forms(message)), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_and_the_markup_of_its_text(language):
    for ids, message in catalogue(language).items():
        wanted = set(PLACES.findall(ids[-1]))
        for form in forms(message):
            given = set(PLACES.findall(form))
            # One and two are words of their own in Arabic.
            assert given <= wanted, ids
            assert wanted - given <= (LEFT_OUT if len(ids) == 1 else {"number", "num"}), ids
            assert sorted(MARKUP.findall(form)) == sorted(MARKUP.findall(ids[-1])), ids


# --- how refusals are worded ----------------------------------------------------------------------


def raised():
    """Every call that words something for the page: (where, call)."""
    words = {*REFUSALS, "Sentence", "counted"}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.is_relative_to(PACKAGE / "simulator") or path.name == "sentences.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in words and node.args:
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def test_no_refusal_is_worded_where_it_could_not_be_found_for_the_catalogue():
    pieced = (ast.JoinedStr, ast.BinOp, ast.FormattedValue)
    calls = list(raised())

    assert len(calls) > 100
    assert not [where for where, call in calls if isinstance(call.args[0], pieced)]


def test_no_words_of_ours_are_a_value_that_nobody_translates():
    def hides_words(value):
        is_text = isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value
        return is_text or isinstance(value, ast.JoinedStr)

    assert not [where for where, call in raised() for given in call.keywords if hides_words(given.value)]


# --- what is read ---------------------------------------------------------------------------------

#: Names that stand as they are in any language: Meta's, of its pages and products, and those of settings.
NAMES = re.compile(
    r"Page settings > Conversation routing \(facebook\.com/settings\?tab=msgr_conversation_routing\)"
    r"|Page settings > (?:Advanced messaging|Page quality)|Meta Business Suite(?: > Settings > People)?"
    r"|developers\.facebook\.com|Messenger API settings|Generate access tokens|App settings > Basic"
    r"|Permissions and features|App Review|Human Agent|HUMAN_AGENT|Business Asset User Profile Access"
    r"|rasa-handover|Rasa(?: 3\.6)?|Python|PostgreSQL|SQLite|NTP|Socket\.IO|python-socketio|postgresql\.conf"
    r"|YAML|facebook|action_endpoint|socketio\.session_persistence|tracker_store|lock_store|\((?:forms|volume)\)"
    r"|Graph API|Send API|Messenger|Meta|PSID|JSON|HTTP|Alerts|Live|Messages|Host|proxy|UTC"
    r"|Content-Length|Transfer-Encoding|metastatus\.com|https://graph\.facebook\.com|https?(?:://localhost)?|v27\.0"
    r"|\w+\.yml|graph_api(?:\.url)?|inbox\.\w+|app_id|page-access-token|pages_messaging|docs/deployment\.md"
    r"|\b(?:secret|true|url|version|action|inbox|pages)\b|`[^`]+`|\"(?:30 minutes|12 hours|2 days)\""
)
WORDS = re.compile(r"[A-Za-z]{2,}")


def english(text):
    """What of *text* is in Latin letters and no name."""
    return WORDS.findall(NAMES.sub(" ", text))


def filled(ids, number):
    """The sentence with ids and figures for what varies."""
    values = {name: 7 for text in ids for name in PLACES.findall(text) if name != "number"}
    return counted(*ids, number, **values) if len(ids) == 2 else Sentence(*ids, **values)


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_the_server_is_read_in_the_language_of_the_page(language):
    texts = translations(language)
    for ids, where in texts_of_the_page().items():
        if where.startswith("inbox/templates") or len(ids) == 2 and "%(num)s" in ids[0]:
            continue
        for number in (0, 1, 2, 3, 11, 100):
            said = translated(restored(kept(filled(ids, number))), texts)
            assert english(f"{said.sentence} {said.details}") == [], where


MEANINGS = [*BY_CODE.values(), *BY_SUBCODE.values(), *(meaning for *_, meaning in BY_TEXT)]
#: Every remedy that a GraphError is made with: of refusals, and of calls without an answer, or not made.
REACHABLE = sorted(
    {meaning.remedy for meaning in MEANINGS}
    | {graph_errors.NO_GRAPH_REMEDY, graph_errors.UNKNOWN_REMEDY, LOOPS}
    | {each for each in vars(transport).values() if isinstance(each, Sentence)}
    | {
        Sentence(
            "%(first)s; or %(second)s", first=graph_errors.TAKE_REFUSED, second=graph_errors.PERMISSION_REMEDY
        )
    }
)
CALLERS = [
    (caller, tag) for caller in (Caller.BOT, Caller.AGENT, Caller.CONTROL) for tag in ("", "HUMAN_AGENT")
]


@pytest.mark.parametrize(("caller", "tag"), CALLERS)
@pytest.mark.parametrize("is_admin", [False, True], ids=["agent", "admin"])
def test_what_can_be_done_about_a_refusal_of_meta_is_read_in_the_language_of_the_page(caller, tag, is_admin):
    texts = translations("ar")
    for remedy in REACHABLE:
        error = reworded(GraphError("(#1) It was refused", remedy=remedy), caller, tag)
        said = translated(restored(kept(error.text)), texts, is_admin=is_admin)

        assert english(said.sentence) == [], error.remedy
        assert said.details == "(#1) It was refused."


#: Where an agent cannot look, and what they cannot do.
OF_ADMINS = re.compile(
    r"\.yml|App Review|developers\.facebook|Page settings|access token|permission|PSID|graph_api|app_id"
    r"|domain|never the bot|default app"
)


@pytest.mark.parametrize(("caller", "tag"), CALLERS)
def test_an_agent_reads_one_sentence_of_a_refusal_and_nothing_that_only_an_admin_can_do(caller, tag):
    for remedy in REACHABLE:
        error = reworded(GraphError("(#1) It was refused", remedy=remedy), caller, tag)
        said = translated(restored(kept(error.text)), translations("en"), is_admin=False).sentence

        assert not OF_ADMINS.search(said), remedy
        assert len(re.findall(r"[.!?](?:\s|$)", said)) == 1, said


def test_an_agent_reads_what_we_know_of_an_unanswered_call_apart_and_an_admin_at_once():
    error = reworded(
        transport.Unanswered(Sentence("no answer from %(host)s", host="m"), sent=True), Caller.AGENT
    )

    agent, admin = (translated(error.text, translations("en"), is_admin=each) for each in (False, True))

    assert agent == (f"{agents_words._OUT_OF_REACH}.", "No answer from m.")
    assert "handover.yml" in admin.sentence
    assert admin.sentence.startswith("No answer from m.")


def test_an_agent_is_not_sent_to_the_files_of_the_bot_by_a_refusal_without_a_remedy():
    missing = Refused("handover.yml has no target of kind inbox -> add one")

    agent, admin = (translated(missing.text, translations("ar"), is_admin=each) for each in (False, True))

    assert agent == (translated(agents_words.NOT_SET_UP, translations("ar")).sentence, agent.details)
    assert agent.details.startswith("handover.yml has no target")
    assert "handover.yml" in admin.sentence


def test_what_meta_says_of_a_refusal_that_nobody_knows_is_folded_for_agents():
    refused = error_of(400, {"error": {"code": 12345, "message": "no"}})

    said = translated(refused.text, translations("en"), is_admin=False)

    assert said == (f"{agents_words.ASK_AN_ADMIN}.", "No (code 12345, HTTP 400).")


def test_every_remedy_for_a_caller_can_be_translated():
    rows = [row for table in REMEDIES.values() for row in table.values()]

    assert rows
    assert all(isinstance(row.remedy, Sentence) for row in rows)
    assert all(isinstance(meaning.remedy, Sentence) for meaning in MEANINGS if meaning.remedy)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_agents_can_do_about_a_refusal_stands_before_what_meta_says_and_apart_from_it(language):
    texts = translations(language)
    refused = restored(
        kept(GraphError("(#551) not available", code=551, remedy=graph_errors.PERSON_REMEDY).text)
    )

    said = translated(refused, texts)

    assert said == (translated(graph_errors.PERSON_REMEDY, texts).sentence, "(#551) not available.")
    failed = Said("1", NOW, "agent", "Mona", "x", mark="failed", error=refused, reply=42)
    page = Document(draw_thread(failed, refusal=refused, language=language))
    assert len(page.all("small", dir="ltr", lang="en")) == 2


def test_what_meta_says_without_a_remedy_is_what_is_read():
    refused = error_of(400, {"error": {"code": 12345, "message": "100% no -> really"}})

    said = translated(restored(kept(refused.text)), translations("ar"))

    assert said == ("100% no. Really (code 12345, HTTP 400).", "")


def test_a_refusal_within_a_refusal_is_translated_too_and_metas_words_stand_apart():
    inner = GraphError("(#27) no default app", remedy=graph_errors.TAKE_REFUSED)
    outer = Refused("Meta did not give control back: %(refusal)s", refusal=inner.text)

    said = translated(outer.text, translations("ar"))

    assert english(said.sentence) == []
    assert said.details == "(#27) no default app."


def test_what_varies_stands_in_its_place_and_words_of_ours_in_it_are_translated():
    arabic = translations("ar")
    text = (
        "thread %(thread)s is with %(target)r, not in the built-in inbox -> take it over there, then send "
        "this again"
    )

    said = translated(Sentence(text, thread="77", target="another_app"), arabic).sentence
    assert "77" in said
    assert english(said) == []
    assert "sales_bot" in translated(Sentence(text, thread="77", target="sales_bot"), arabic).sentence
    faster = Sentence("%(who)s was faster and answers this conversation", who="Ali")
    assert "Ali" in translated(faster, arabic).sentence


def test_a_number_has_the_plural_form_that_belongs_to_it():
    one, many = "try again in %(number)s minute", "try again in %(number)s minutes"
    singular, plural = (f"too many wrong passwords -> {each}" for each in (one, many))
    arabic = translations("ar")

    said = [translated(counted(singular, plural, number), arabic).sentence for number in (1, 2, 7, 15)]

    assert [re.search(r"بعد (.+)\.", each)[1] for each in said] == [
        "دقيقة واحدة",
        "دقيقتين",
        "7 دقائق",
        "15 دقيقة",
    ]
    assert translated(counted(singular, plural, 1), translations("en")).sentence.endswith("in 1 minute.")


def test_a_text_that_an_earlier_version_has_kept_is_translated_where_nothing_varies_in_it():
    said = translated(
        restored("the server stopped before this was sent -> send it again"), translations("ar")
    )

    assert english(said.sentence) == []
    shown = translated(restored("100% new: %(x)s -> look at it"), translations("ar"))
    assert shown == ("100% new: %(x)s. Look at it.", "")


# --- Arabic as agents and customers write it ------------------------------------------------------

#: What would be wrong wherever it stood -> what it is instead.
WRONG_IN_ARABIC = {
    r"(?:ال|لل|بال|وال)شخص\b(?!ي)": "the customer is العميل",
    r"م\.ب": "the word is ميغابايت",
    r"\bانظر\b": "to look again is تحقّق, to read something راجع",
    r"\bوكيل\b": "an agent is موظف, a proxy خادم وسيط",
    r"\bصامت|\bصمت|\bيصمت": "a bot that is silent is متوقف عن الرد",
    r"\bقصد|القصد": "an intent is موضوع to agents",
    r"لم يضع شيء|لم يضيع": "nothing is lost: لم تفقد",
    r" و [A-Za-z]": "و stands before its word without a space",
    r"\b[وب]ـ?$": "a preposition needs its noun",
}

#: Verbs of one who acts, in the forms for a man and for a woman.
VERBS_OF_SOMEBODY = re.compile(
    r"\b[تي]?(?:كتب|جيب|أجاب|شاهد|تولّ?ى|مدّ?د|أعاد|ضغط|طلب|أضاف|أزال|أسند|ألغى|ينتظر|تنتظر|صمت|ترك)ت?\b"
)

#: Of two things with a number each form is its own.
NUMBERS = (0, 1, 2, 3, 11, 100)


def arabic_forms():
    return [(ids, form) for ids, message in catalogue("ar").items() for form in forms(message)]


@pytest.mark.parametrize("wrong", WRONG_IN_ARABIC)
def test_arabic_has_one_word_for_a_thing(wrong):
    told = [(ids, form) for ids, form in arabic_forms() if re.search(wrong, MARKUP.sub(" ", form))]

    assert told == [], WRONG_IN_ARABIC[wrong]


def test_no_arabic_verb_agrees_with_the_name_of_somebody_who_may_be_a_woman():
    somebody = re.compile(r"%\((?:who|whom|name)\)s")
    told = [
        (ids, form)
        for ids, form in arabic_forms()
        if len(somebody.findall(form)) and VERBS_OF_SOMEBODY.search(somebody.sub("", form))
    ]

    assert told == []


@pytest.mark.parametrize("language", OTHERS)
def test_each_number_has_the_words_that_belong_to_it(language):
    texts = translations(language)
    counting = [ids for ids in texts_of_the_page() if len(ids) == 2]

    assert len(counting) > 20
    for singular, plural in counting:
        said = [texts.ngettext(singular, plural, number) for number in NUMBERS]
        none, one, two, few, many, hundred = said
        assert len({one, two, few}) == 3, singular
        assert not re.search(r"%\(num(?:ber)?\)", one + two), "one and two are words of their own"
        assert all(re.search(r"%\(num(?:ber)?\)", form) for form in (few, many, hundred)), singular


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_that_can_be_counted_is_told_in_one_form(language):
    units = re.compile(
        r"%\((?!most\b)\w+\)(?:s|d|g|\.\df) (?:second|minute|hour|day|message|character|conversation)s\b"
    )

    assert [ids for ids in texts_of_the_page() if len(ids) == 1 and units.search(ids[0])] == []


# --- whole pages ----------------------------------------------------------------------------------

#: Attributes that are read, or read aloud.
READ = ("title", "aria-label", "placeholder", "alt", "data-asks", "data-title")

#: What stands on pages in any language: keys, commands, file types, and languages in their own words.
KEYS = re.compile(
    r"(?<![A-Za-z])(?:Enter|Shift|Ctrl|Esc|Caps Lock|English)\b|handover agents (?:(?:add|password) NAME|link)|https://example\.com\S*"
)


class Read(HTMLParser):
    """What is read of a page, without what others said in their own language."""

    def __init__(self, page):
        super().__init__()
        self.words, self.skipped = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in ("style", "script") or (tag == "small" and dict(attrs).get("lang") == "en"):
            self.skipped.append(tag)
        self.words += [
            value for name, value in attrs if value and (name in READ or name.startswith("data-says"))
        ]

    def handle_endtag(self, tag):
        if self.skipped and self.skipped[-1] == tag:
            self.skipped.pop()

    def handle_data(self, data):
        if not self.skipped:
            self.words.append(data)


def english_on(page):
    return english(KEYS.sub(" ", "\n".join(Read(page).words)))


def arabic_pages():
    """Every page in Arabic, as one reads it whose people write Arabic, on a machine without agents."""
    word = "كلمة"
    you = replace(YOU, name="you", shown_name="you")
    shown = item(name=word, preview=word, assignee="you", tags=(word,), target="another_app", control="app")
    rows = list_view(shown, item(name=word, preview="", waiting_since=None, tags=()), tags=(word,))
    entries = [replace_words(each, word) for each in everything(word)]
    thread = thread_view(
        *entries,
        name=word,
        tags=(word,),
        refusal=GraphError("(#27) no default app", remedy=graph_errors.TAKE_REFUSED).text,
        hint=PEOPLE_ONLY,
        canned={word: word},
        intents=(word,),
        assignee="you",
        assignee_shown="you",
        asks="you",
        decides=False,
        return_hint=NOT_HEARD,
        colleagues=(
            Colleague("you", "you", here=True, is_you=True),
            Colleague("b", word, looking=True, typing=True),
            Colleague("c", word, looking=True),
        ),
    )
    for each in (thread, replace(thread, can_reply=False, why_not=TOO_LATE, can_take_over=True, until=None)):
        yield draw("inbox.html", "ar", you=you, list=rows, thread=each)
    for name in labels.LIST_LABELS:
        empty = replace(list_view(), items=(), filters=Filters(list=name))
        yield draw("inbox.html", "ar", you=you, list=empty, unknown=True)
        yield draw("_list.html", "ar", you=you, list=empty, after="1")
        for only in ("", "list", "names"):
            looked_for = replace(empty, filters=Filters(list=name, search=word, only=only, unread="1"))
            yield draw("_list.html", "ar", you=you, list=looked_for)
            yield draw("_list.html", "ar", you=you, list=replace(looked_for, is_signs=True, after="1~1"))
    yield draw("sign_in.html", "ar", you=None, error=sign_in_limits_error(), name=word, next="")
    yield draw("sign_in.html", "ar", you=None, error="", no_password=True)
    yield draw("preferences.html", "ar", you=you, saved=True)
    for template in ("_problem.html", "problem.html"):
        for text in (NO_DATABASE, FAULT):
            yield draw(template, "ar", you=None, text=text)
    for reason in labels.REFUSALS:
        yield draw("refused.html", "ar", you=None, reason=reason)


def sign_in_limits_error():
    return TooManyAttempts(
        counted(
            "too many wrong passwords -> try again in %(number)s minute",
            "too many wrong passwords -> try again in %(number)s minutes",
            2,
        ),
        wait=90,
    ).text


def replace_words(entry, word):
    """The entry as one of another language: what is told of it by ourselves stays."""
    if isinstance(entry, ControlChange):
        return replace(entry, target="another_app", who="command line", note=word)
    if isinstance(entry, Said) and entry.speaker == "agent":
        return replace(entry, name="command line", error=NEVER_BEGUN)
    return entry


def test_no_english_is_left_on_any_page_in_arabic():
    pages = list(arabic_pages())

    assert len(pages) > 20
    assert [found for page in pages if (found := english_on(page))] == []


@pytest.mark.parametrize("said", ["", " ", "\r", ":", " : -> : ", "\n -> \t"])
def test_words_of_others_that_say_nothing_are_no_sentence(said):
    assert translated(said, translations("ar")) == ("", "")
    assert translated(said, translations("ar"), is_admin=False) == ("", "")
