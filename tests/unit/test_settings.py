"""handover.yml and credentials.yml together: settings, or everything that is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from handover_channel.errors import SettingsError, TokenRefused, UnknownTarget
from handover_channel.rules.keywords import Keyword
from handover_channel.settings import loader
from handover_channel.settings.loader import Grants, GraphApiSettings, Page, TargetKind

ROOT = Path(__file__).parents[2]
CHANNEL = "handover_channel.MessengerInput"
CREDENTIALS = f"{CHANNEL}: {{verify: v, secret: s, page-access-token: t}}"
PROOFS = {"verify": "v", "secret": "s", "page-access-token": "t"}
NO_TOKEN = (
    "handover.yml: the page access token is missing: write page-access-token under "
    "handover_channel.MessengerInput in credentials.yml, or page_access_token here"
)


@pytest.fixture
def load(tmp_path):
    """Load a folder with the given files, from a process with the given environment."""

    def load_folder(handover, credentials=CREDENTIALS, *, environ=None, block=None):
        for name, text in (("handover.yml", handover), ("credentials.yml", credentials)):
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return loader.load(str(tmp_path / "handover.yml"), environ=environ or {}, credentials=block)

    return load_folder


@pytest.fixture
def problems_of(load):
    def problems(*arguments, **options):
        with pytest.raises(SettingsError) as refusal:
            load(*arguments, **options)
        return list(refusal.value.problems)

    return problems


# What is configured


def test_an_app_id_and_a_token_are_enough(load, tmp_path):
    loaded = load("app_id: 1111")

    assert loaded.app_id == "1111"
    assert loaded.database == f"sqlite:///{tmp_path}/handover.db"
    assert loaded.graph_api == GraphApiSettings("https://graph.facebook.com", "v27.0")
    assert list(loaded.targets) == [loaded.default_target] == ["inbox"]
    assert loaded.target().kind is TargetKind.INBOX
    assert loaded.returning.time_limit == timedelta(hours=12)
    assert loaded.returning.button == "Back to Bot"
    assert loaded.returning.keywords == (Keyword("back to bot"),)
    assert loaded.grant_requests is Grants.TARGETS
    assert loaded.pages == (Page("", "t"),)
    assert loaded.secret == "s"


def test_the_demo_settings_work_with_no_variable_set():
    loaded = loader.load(str(ROOT / "handover.yml"), environ={})

    assert loaded.graph_api.url == "http://127.0.0.1:8090"
    assert loaded.default_target == "inbox"
    assert {name: target.app_id for name, target in loaded.targets.items()} == {
        "inbox": "",
        "page_inbox": "263902037430900",
        "sales_bot": "2222",
        "support": "4444",
        "hootsuite": "3333",
    }
    assert loaded.target("hootsuite").time_limit == timedelta(days=2)
    assert loaded.target("sales_bot").time_limit == timedelta(hours=12)
    assert [keyword.text for keyword in loaded.returning.keywords] == [
        "back to bot",
        "main menu",
        "العودة إلى البوت",
    ]
    assert loaded.token_for("1000000000000001") == "demo-page-token"


def test_the_file_is_found_by_the_environment_or_in_the_folder_one_is_in(tmp_path, monkeypatch):
    (tmp_path / "mine.yml").write_text("app_id: 1111\npage_access_token: t")
    (tmp_path / "handover.yml").write_text("app_id: 2222\npage_access_token: t")
    (tmp_path / "given.yml").write_text("app_id: 3333\npage_access_token: t")
    monkeypatch.chdir(tmp_path)
    environ = {"HANDOVER_CONFIG": "mine.yml"}

    assert loader.load(environ=environ).app_id == "1111"
    assert loader.load(environ={}).app_id == "2222"
    assert loader.load("given.yml", environ=environ).app_id == "3333"


def test_the_environment_of_the_process_is_the_default(tmp_path, monkeypatch):
    (tmp_path / "mine.yml").write_text("app_id: ${SHOP_APP}\npage_access_token: t")
    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "mine.yml"))
    monkeypatch.setenv("SHOP_APP", "1111")

    assert loader.load().app_id == "1111"


def test_a_byte_order_mark_is_no_part_of_the_first_key(load):
    assert load("\ufeffapp_id: 1111").app_id == "1111"


def test_variables_are_expanded_in_both_files(load):
    credentials = f"{CHANNEL}:\n  verify: v\n  secret: s\n  page-access-token: ${{TOKEN}}"
    loaded = load("app_id: ${APP}", credentials, environ={"APP": "1111", "TOKEN": "t0k"})

    assert (loaded.app_id, loaded.token_for("1")) == ("1111", "t0k")


@pytest.mark.parametrize(
    ("given", "default"),
    [
        ("targets: {desk: {kind: inbox}}", "desk"),
        ("targets: {page: {kind: page_inbox}, inbox: {kind: inbox}}", "inbox"),
        ("targets: {page: {kind: page_inbox}, inbox: {kind: inbox}}\ndefault_target: page", "page"),
        ("targets: {}", "inbox"),
        ("targets:", "inbox"),
    ],
)
def test_the_default_target_is_the_named_one_or_the_only_one_or_the_inbox(load, given, default):
    loaded = load(f"app_id: 1111\n{given}")

    assert loaded.target().name == loaded.target("").name == default


def test_an_unknown_target_is_refused_with_the_known_ones(load):
    loaded = load("app_id: 1111\ntargets: {inbox: {kind: inbox}, page: {kind: page_inbox}}")

    with pytest.raises(UnknownTarget) as refusal:
        loaded.target("sales")
    assert (
        str(refusal.value) == 'no target is called "sales"; handover.yml has inbox, page -> name one of these'
    )


def test_an_app_is_known_by_the_target_that_names_it(load):
    loaded = load(
        "app_id: 1111\ntargets: {inbox: {kind: inbox}, sales: {kind: app, app_id: 22}, "
        "page: {kind: page_inbox}}"
    )

    assert loaded.target_of_app("22") is loaded.target("sales")
    assert loaded.target_of_app("263902037430900") is loaded.target("page")
    assert loaded.target_of_app("1217981644879628") is loaded.target("page")
    assert [loaded.target_of_app(stranger) for stranger in ("", "33", "1111")] == [None, None, None]


# Tokens


def test_one_token_serves_every_page(load):
    assert load("app_id: 1111").token_for("any") == load("app_id: 1111").token_for("") == "t"


def test_each_page_has_its_own_token(load):
    pages = [{"id": 11, "page-access-token": "one"}, {"id": "22", "page-access-token": "two"}]
    loaded = load("app_id: 1111", block={"verify": "v", "secret": "s", "pages": pages})

    assert [loaded.token_for(page) for page in ("11", "22")] == ["one", "two"]
    with pytest.raises(TokenRefused) as refusal:
        loaded.token_for("33")
    assert str(refusal.value) == (
        'credentials.yml: handover_channel.MessengerInput.pages has no page "33" -> '
        "add its id and page-access-token"
    )


@pytest.mark.parametrize("listed", [["11"], ["11", "33"]])
def test_a_page_that_is_not_listed_gets_no_token_of_another_page_however_many_are_listed(load, listed):
    pages = [{"id": page, "page-access-token": f"of {page}"} for page in listed]
    found = load("app_id: 1111", block={"verify": "v", "secret": "s", "pages": pages})

    with pytest.raises(TokenRefused, match=r'credentials\.yml: .*pages has no page "22" -> add its id'):
        found.token_for("22")


def test_where_the_page_is_not_known_the_only_listed_one_is_meant(load):
    pages = [{"id": "11", "page-access-token": "one"}]

    assert load("app_id: 1111", block={"verify": "v", "secret": "s", "pages": pages}).token_for("") == "one"


@pytest.mark.parametrize(
    "credentials", [None, "", "rest:", f"{CHANNEL}: {{verify: v, secret: s}}", CREDENTIALS]
)
def test_the_action_server_takes_the_token_from_handover_yml(load, credentials):
    assert load("app_id: 1111\npage_access_token: t", credentials).token_for("1") == "t"


def test_the_block_that_rasa_read_goes_before_the_file(load):
    loaded = load("app_id: 1111", "not: [yaml", block={**PROOFS, "page-access-token": "other"})

    assert loaded.token_for("1") == "other"


def test_the_blocks_of_other_channels_are_none_of_our_business(load):
    others = "rest:\nslack:\n  slack_token: ${SLACK_TOKEN}\n  buttons: [1, 2]\n"

    assert load("app_id: 1111", others + CREDENTIALS).secret == "s"


def test_secrets_tokens_and_the_database_stay_out_of_the_repr(load):
    loaded = load(
        "app_id: 1111\ndatabase: postgresql://u:s3cr3t@h/db",
        block={"verify": "s3cr3t", "secret": "s3cr3t", "page-access-token": "s3cr3t"},
    )

    assert "s3cr3t" not in repr(loaded)


# What is wrong


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "app_id is missing: write the id of this bot's Meta app (Meta for Developers > My apps)"),
        (
            "app_id: my shop",
            'app_id is "my shop": Meta\'s app ids are digits only, '
            "copy it from Meta for Developers > My apps",
        ),
        (
            "app_id: ${APP}",
            "app_id needs the environment variable APP, which is not set: set it, or write the value here",
        ),
        ("app_id: 1\ntarget: {}", "target is not a setting: did you mean targets?"),
        (
            "app_id: 1\nfoo: 2",
            "foo is not a setting: write one of app_id, page_access_token, database, graph_api, "
            "default_target, targets, return, grant_requests, stale_after, nlu_limit, rest_while_muted, "
            "cheaper_turns, automatic_replies, handover_intents, summary, inbox",
        ),
        (
            "app_id: 263902037430900",
            "app_id is \"263902037430900\", an inbox of Meta's: write the id of this bot's Meta app "
            "(Meta for Developers > My apps)",
        ),
        (
            'app_id: "01217981644879628"',
            "app_id is \"01217981644879628\", an inbox of Meta's: write the id of this bot's Meta app "
            "(Meta for Developers > My apps)",
        ),
        ("app_id: 1\napp_id: 2", 'line 2: the key "app_id" is there already, in line 1: keep one of them'),
        (
            "app_id: 1\ndefault_target: inbix",
            'default_target is "inbix", which is not in targets: did you mean inbox?',
        ),
        (
            "app_id: 1\ntargets: {a: {kind: page_inbox}, b: {kind: app, app_id: 22}}",
            "default_target is missing: write one of a, b",
        ),
        (
            "app_id: 1\ntargets: [inbox]",
            "targets must hold keys and values: write them one a line, further to the right",
        ),
        ("app_id: 1\ngrant_requests: some", 'grant_requests is "some": write one of targets, all, none'),
        (
            "app_id: 1\nreturn: {time_limit: null, button: null, keywords: null}",
            "return has no time_limit, button or keywords, so a handover to inbox would never end: "
            "give it one of them",
        ),
        (
            "app_id: 1\nreturn: {time_limit: false, button: false, keywords: []}\ndefault_target: a\n"
            "targets: {a: {kind: page_inbox}, b: {kind: inbox, time_limit: 1 day}, c: {kind: inbox}}",
            "return has no time_limit, button or keywords, so a handover to a or c would never end: "
            "give it one of them",
        ),
        (
            "app_id: 1\npage_access_token: other",
            "page_access_token is not the token of handover_channel.MessengerInput in credentials.yml: "
            "keep one of the two",
        ),
        (
            "app_id: 1\nhandover_intents: []",
            "handover_intents names no intent: write one, or leave it out for handover",
        ),
        (
            "app_id: 1\nhandover_intents: [human, handover_returned]",
            'handover_intents[2] is "handover_returned", which is no such intent: write the name of one by '
            "which people ask for people",
        ),
        ("app_id: 1\nreturn: {buton: x}", "return.buton is not a setting: did you mean button?"),
        ("app_id: 1\ngraph_api: {host: x}", "graph_api.host is not a setting: write one of url, version"),
        ("- app_id", "holds no keys: write lines of the form `key: value`"),
        ("app_id", "holds no keys: write lines of the form `key: value`"),
        (
            "app_id: 1\ntargets: {inbox: kind: inbox}",
            "line 2, column 22: this is not valid YAML (expected ',' or '}', but got ':'): correct it",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_file_key_and_remedy(problems_of, text, problem):
    assert problems_of(text) == [f"handover.yml: {problem}"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", ("handover",)),
        ("handover_intents: human", ("human",)),
        ("handover_intents: [a, b, a]", ("a", "b")),
    ],
)
def test_the_intents_by_which_people_ask_for_people(load, written, meant):
    assert load(f"app_id: 1111\n{written}").handover_intents == meant


def test_one_way_back_is_enough(load):
    assert (
        load("app_id: 1\nreturn: {time_limit: null, button: null, keywords: [bot]}").returning.button is None
    )


def test_a_missing_file_says_how_to_make_one(problems_of, tmp_path):
    assert problems_of(None) == [
        f"handover.yml: there is no {tmp_path}/handover.yml: run `handover init`, or create it (one line "
        'is enough, app_id: "the id of this bot\'s Meta app"), or set HANDOVER_CONFIG to the path of yours'
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "handover.yml").mkdir()
    (tmp_path / "credentials.yml").write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(SettingsError) as refusal:
        loader.load(str(tmp_path / "handover.yml"), environ={})
    assert list(refusal.value.problems) == [
        f"handover.yml: {tmp_path}/handover.yml cannot be read (Is a directory): "
        "make it a readable UTF-8 text file",
        f"credentials.yml: {tmp_path}/credentials.yml cannot be read (it is not UTF-8): "
        "make it a readable UTF-8 text file",
    ]


@pytest.mark.parametrize("credentials", [None, "", "rest:", f"{CHANNEL}: {{verify: v, secret: s}}"])
@pytest.mark.parametrize("own", ["", "page_access_token:", 'page_access_token: ""'])
def test_a_missing_token_names_both_places(problems_of, credentials, own):
    assert problems_of(f"app_id: 1\n{own}", credentials) == [NO_TOKEN]


@pytest.mark.parametrize("token", ["[x]", "''", "true"])
def test_a_refused_token_is_reported_once(problems_of, token):
    assert (
        len(problems_of("app_id: 1", f"{CHANNEL}: {{verify: v, secret: s, page-access-token: {token}}}")) == 1
    )


def test_credentials_that_are_no_yaml_are_not_said_to_lack_a_token(problems_of):
    assert problems_of("app_id: 1", "a: [") == [
        "credentials.yml: line 1, column 5: this is not valid YAML "
        "(expected the node content, but found '<stream end>'): correct it"
    ]


def test_an_empty_block_misses_everything(problems_of):
    here = "credentials.yml: handover_channel.MessengerInput"
    missing = [
        f"{here}.verify is missing: write the word that you enter as the webhook's verify token at Meta",
        f"{here}.secret is missing: write the app secret (Meta for Developers > App settings > Basic)",
        NO_TOKEN,
    ]

    assert problems_of("app_id: 1", f"{CHANNEL}:") == missing
    assert problems_of("app_id: 1", block={}) == missing


def test_all_that_is_wrong_in_both_files_is_reported_at_once(problems_of):
    text = """
        app: 1111
        default_target: sales
        targets:
          sales: {kind: bot}
          desk: {kind: app, app_id: x}
        return: {time_limit: soon, button: Take me back to the bot now, keywords: [a, A]}
        graph_api: {url: http://example.com, version: 26}
        database: mysql://x
        grant_requests: some
    """
    problems = problems_of(text, f"{CHANNEL}: {{verify: v, token: t}}")

    assert [problem.split(" ")[0:2] for problem in problems] == [
        ["credentials.yml:", "handover_channel.MessengerInput.token"],
        ["credentials.yml:", "handover_channel.MessengerInput.secret"],
        ["handover.yml:", "app"],
        ["handover.yml:", "app_id"],
        ["handover.yml:", "return.time_limit"],
        ["handover.yml:", "return.button"],
        ["handover.yml:", "return.keywords[2]"],
        ["handover.yml:", "targets.sales.kind"],
        ["handover.yml:", "targets.desk.app_id"],
        ["handover.yml:", "database"],
        ["handover.yml:", "graph_api.url"],
        ["handover.yml:", "graph_api.version"],
        ["handover.yml:", "grant_requests"],
        ["handover.yml:", "the"],
    ]


def test_problems_come_in_the_order_in_which_the_sections_are_read(problems_of):
    text = """
        page_access_token: other
        inbox: {personas: maybe}
        automatic_replies: {meta_ai: some}
        nlu_limit: many
        stale_after: soon
        grant_requests: some
        default_target: sales
        graph_api: {version: 26}
        database: mysql://x
        return: {rest: some}
    """

    assert [problem.split(" ")[1] for problem in problems_of(text)] == [
        "app_id",
        "return.rest",
        "database",
        "graph_api.version",
        "default_target",
        "grant_requests",
        "stale_after",
        "nlu_limit",
        "inbox.personas",
        "automatic_replies.meta_ai",
        "page_access_token",
    ]


def test_the_id_of_a_page_is_no_id_of_an_app(problems_of):
    problems = problems_of(
        "app_id: 1717\ntargets: {inbox: {kind: inbox}, sales: {kind: app, app_id: 1818}}",
        f"{CHANNEL}: {{verify: v, secret: s, pages: [{{id: 1717, page-access-token: t}}, "
        "{id: 1818, page-access-token: u}]}",
    )

    assert problems == [
        'handover.yml: app_id is "1717", the id of a page in credentials.yml: '
        "write the id of this bot's Meta app (Meta for Developers > My apps)",
        'handover.yml: targets.sales.app_id is "1818", the id of a page in credentials.yml: '
        "write the id of the app that gets control",
    ]


def test_no_secret_is_in_a_problem(problems_of):
    problems = problems_of(
        "page_access_token: s3cr3t\ndatabase: mysql://u:s3cr3t@h/db",
        f"{CHANNEL}: {{verify: [s3cr3t], secret: {{a: s3cr3t}}, page-access-token: s3cr3ttoo}}",
    )

    assert len(problems) == 5
    assert "s3cr3t" not in "\n".join(problems)


# A bot that is not on Messenger

INBOX = "handover_channel.InboxInput"


@pytest.mark.parametrize("block", [f"{INBOX}:", f"{INBOX}: {{}}", f"rest:\n{INBOX}:"])
def test_the_inbox_alone_needs_neither_app_id_nor_token(load, block):
    loaded = load("inbox: {personas: true}", block)

    assert (loaded.app_id, loaded.pages, loaded.secret) == ("", (), "")
    assert loaded.inbox.personas
    assert loaded.target().kind is TargetKind.INBOX


def test_an_empty_handover_yml_is_enough_for_the_inbox(load):
    assert list(load("", f"{INBOX}:").targets) == ["inbox"]


def test_beside_messenger_the_inbox_changes_nothing(problems_of, load):
    assert load("app_id: 1111", f"{CREDENTIALS}\n{INBOX}:").pages == (Page("", "t"),)
    assert problems_of("", f"{CREDENTIALS}\n{INBOX}:") == [
        "handover.yml: app_id is missing: write the id of this bot's Meta app (Meta for Developers > My apps)"
    ]


def test_a_token_means_messenger_also_where_credentials_yml_has_the_inbox_alone(load, problems_of):
    assert load("app_id: 1111\npage_access_token: t", f"{INBOX}:").pages == (Page("", "t"),)
    (problem,) = problems_of("page_access_token: t", f"{INBOX}:")
    assert problem.startswith("handover.yml: app_id is missing")


def test_without_messenger_apps_cannot_be_reached(problems_of):
    targets = "targets: {desk: {kind: inbox}, page: {kind: page_inbox}, shop: {kind: app, app_id: 2222}}"
    remedy = "which needs Messenger: leave it out, or add handover_channel.MessengerInput to credentials.yml"

    assert problems_of(f"default_target: desk\n{targets}", f"{INBOX}:") == [
        f"handover.yml: targets.page is of kind page_inbox, {remedy}",
        f"handover.yml: targets.shop is of kind app, {remedy}",
    ]


def test_a_wrong_app_id_is_refused_also_where_none_is_needed(problems_of):
    (problem,) = problems_of("app_id: mine", f"{INBOX}:")

    assert problem.startswith('handover.yml: app_id is "mine": ')


def test_the_block_of_the_inbox_has_no_keys(problems_of):
    assert problems_of("", f"{INBOX}: {{port: 80}}") == [
        "credentials.yml: handover_channel.InboxInput.port is not a setting: "
        "the settings of the inbox are in handover.yml, under inbox"
    ]


def test_the_problems_of_the_inbox_are_among_all_the_others(problems_of):
    problems = problems_of("app_id: 1111\ninbox: {personas: maybe}\nfoo: bar")

    assert len(problems) == 2
    assert 'handover.yml: inbox.personas is "maybe": write true or false' in problems
