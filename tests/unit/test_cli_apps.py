"""`handover apps`: which apps there are, and how one of them becomes a target in handover.yml."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest
from play import DAY, HOOTSUITE, NO_TAKING, OURS, PSID, SALES_BOT, STRANGER

from handover_channel import services
from handover_channel.cli import apps, main
from handover_channel.settings import loader
from handover_channel.simulator import PAGE_INBOX

CREDENTIALS = "handover_channel.MessengerInput: {verify: v, secret: s, page-access-token: t}\n"
SETTINGS = """\
# Ours.
app_id: "1234567890"   # the bot's

targets:
  inbox: {kind: inbox}   # people
  sales_bot:             # the other bot
    kind: app
    app_id: "2222"

# The end.
return:
  keywords: [back to bot]
"""


@pytest.fixture
def handover(monkeypatch, capsys):
    """Run the command: (exit code, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", "apps", *arguments])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


@pytest.fixture
def on(monkeypatch, handover):
    """Run the command on a play's database, with its Meta and its clock."""

    def the(play):
        parts = services.Services(play.settings, play.store, play.graph, play.thread_control)
        monkeypatch.setattr(services, "from_config", lambda: parts)
        monkeypatch.setattr("time.time", play.clock)
        return handover

    return the


@pytest.fixture
def run(on, play):
    return on(play)


def found(run):
    code, out, _ = run("--json")
    assert code == 0
    everything = json.loads(out)
    assert everything["schema"] == 1
    return everything, {each["id"]: each for each in everything["apps"]}


def test_the_apps_that_meta_lists_are_shown_with_their_names_and_targets(run):
    _, listed = found(run)

    assert listed[OURS]["is_ours"]
    assert (listed[SALES_BOT]["name"], listed[SALES_BOT]["target"]) == ("sales_bot", "sales_bot")
    assert (listed[STRANGER]["name"], listed[STRANGER]["target"]) == ("stranger", "")
    assert "connected" in listed[STRANGER]["seen"]
    assert listed[PAGE_INBOX]["is_inbox"]


def test_an_app_that_meta_does_not_list_is_known_by_what_it_did(play_without_routing, on):
    play, run = play_without_routing, on(play_without_routing)
    play.says("hello")
    play.page.app(STRANGER).sends(PSID, {"text": "me, too"})
    play.work()
    for call in ("secondary_receivers", "subscribed_apps"):
        play.meta.always[call] = NO_TAKING
    play.clock.passes(DAY)

    everything, listed = found(run)

    assert "wrote" in listed[STRANGER]["seen"]
    assert play.clock() - listed[STRANGER]["last_at"] == pytest.approx(DAY, abs=5)
    assert any("(#27)" in each for each in everything["problems"])


def test_an_app_that_had_control_is_known_by_that(play, run):
    play.hands_over("hootsuite")
    play.says("back to bot")

    assert "had control" in found(run)[1][HOOTSUITE]["seen"]


def test_what_meta_does_not_tell_is_said_beside_the_table(play, run):
    play.meta.always["secondary_receivers"] = NO_TAKING

    code, out, err = run()

    assert code == 0
    assert "sales_bot" in out
    assert "Meta did not tell all: (#27)" in err


@pytest.mark.parametrize(
    "lie", [{}, {"data": 7}, {"data": [7, {"id": None}, {"id": {}}]}, {"data": [{"id": "x"}]}]
)
def test_a_list_that_is_none_is_no_apps(play, run, lie):
    for call in ("secondary_receivers", "subscribed_apps", "me"):
        play.meta.always[call] = lie

    everything, listed = found(run)

    assert not listed[SALES_BOT]["seen"]
    assert everything["pages"] == [{"id": "", "default_app": "not known"}]


def default_app(run):
    return found(run)[0]["pages"][0]["default_app"]


def test_to_whom_meta_names_the_owner_of_a_thread_is_the_default_app(play, run):
    assert default_app(run) == "there is one"
    play.hands_over("sales_bot")

    assert default_app(run) == "this bot"


def test_from_whom_meta_hides_the_owner_is_not_the_default_app(play, run):
    play.hands_over("sales_bot")
    play.meta.always["thread_owner"] = {"data": [{"thread_owner": {"expiration": int(play.clock() + DAY)}}]}

    assert default_app(run) == "another app"


def test_a_page_without_a_default_app_says_so(play_without_routing, on):
    run = on(play_without_routing)

    assert default_app(run) == "none"
    assert "Default app: none." in run()[1]


def test_ids_are_completed_with_the_names_of_apps_that_are_no_targets(run):
    ids = dict(apps._app_ids())

    assert ids[STRANGER] == "stranger"
    assert not {OURS, SALES_BOT} & set(ids)


# --- add ------------------------------------------------------------------------------------------


@pytest.fixture
def bot(tmp_path, monkeypatch):
    """A bot's folder; `bot(text)` writes handover.yml and returns its path."""
    monkeypatch.setenv("HANDOVER_CONFIG", str(tmp_path / "handover.yml"))
    (tmp_path / "credentials.yml").write_text(CREDENTIALS)

    def write(text=SETTINGS):
        (tmp_path / "handover.yml").write_bytes(text.encode("utf-8"))
        return tmp_path / "handover.yml"

    return write


def test_an_app_becomes_a_target_and_nothing_else_is_touched(bot, handover):
    path = bot()

    code, out, _ = handover("add", "9999", "--name", "hootsuite", "--time-limit", "2 days", "--yes")

    assert code == 0
    assert "+  hootsuite:" in out
    target = loader.load().targets["hootsuite"]
    assert (target.app_id, target.time_limit.days) == ("9999", 2)
    added = '  hootsuite:\n    kind: app\n    app_id: "9999"\n    time_limit: 2 days\n'
    assert path.read_text() == SETTINGS.replace('    app_id: "2222"\n', '    app_id: "2222"\n' + added)


def test_line_ends_and_links_stay_as_they_are(bot, handover, tmp_path):
    path = bot(SETTINGS.replace("\n", "\r\n"))
    real = tmp_path / "real.yml"
    os.replace(path, real)
    path.symlink_to(real)

    handover("add", "9999", "--name", "hootsuite", "--yes")

    assert path.is_symlink()
    assert real.read_bytes().count(b"\r\n") == real.read_bytes().count(b"\n") == SETTINGS.count("\n") + 3


@pytest.mark.parametrize(
    ("text", "targets", "default"),
    [
        ('app_id: "1234567890"\n', ["inbox", "tool"], "inbox"),
        ('app_id: "1234567890"', ["inbox", "tool"], "inbox"),
        ('app_id: "1234567890"\ntargets:\n', ["inbox", "tool"], "inbox"),
        ('app_id: "1234567890"\ntargets: {}\n', ["inbox", "tool"], "inbox"),
        ('app_id: "1234567890"\ntargets: {people: {kind: inbox}}\n', ["people", "tool"], "people"),
        ('app_id: "1234567890"\ntargets:\n  people:\n    kind: inbox\n', ["people", "tool"], "people"),
        (
            'app_id: "1234567890"\ndefault_target:\ntargets:\n  people:\n    kind: inbox\n',
            ["people", "tool"],
            "people",
        ),
        ('{app_id: "1234567890", targets: {people: {kind: inbox}}}\n', ["people", "tool"], "people"),
    ],
)
def test_what_a_handover_without_a_name_means_stays_as_it_was(bot, handover, text, targets, default):
    bot(text)

    code, out, err = handover("add", "9999", "--name", "tool", "--yes")

    assert code == 0, err
    after = loader.load()
    assert list(after.targets) == targets
    assert after.default_target == default


def test_the_page_inbox_gets_its_kind(bot, handover):
    bot()
    handover("add", PAGE_INBOX, "--name", "page_inbox", "--yes")

    assert loader.load().targets["page_inbox"].kind is loader.TargetKind.PAGE_INBOX


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("9999", "--name", "inbox"), "there is a target of that name already"),
        (("2222", "--name", "other"), "app 2222 is the target sales_bot already"),
        (("02222", "--name", "other"), "is the target sales_bot already"),
        (("1234567890", "--name", "own"), "this bot's own"),
        (("99x", "--name", "other"), "digits only"),
        (("9999", "--name", " "), "--name"),
        (("9999", "--name", "a\nb"), "--name"),
        (("9999", "--name", "other", "--time-limit", "soon"), "time_limit"),
    ],
)
def test_what_would_be_wrong_is_refused_and_nothing_written(bot, handover, arguments, said):
    path = bot()

    code, _, err = handover("add", *arguments, "--yes")

    assert code == 2
    assert said in err
    assert path.read_text() == SETTINGS


@pytest.mark.parametrize("name", ["sara 2", "yes", "1", "a: b", "{x", "علي", "#1", "'"])
def test_a_name_of_any_letters_is_written_as_it_is(bot, handover, name):
    bot()

    assert handover("add", "9999", "--name", name, "--yes")[0] == 0
    assert loader.load().targets[name].app_id == "9999"


def test_a_dry_run_and_a_no_change_nothing(bot, handover, monkeypatch):
    path = bot()

    assert handover("add", "9999", "--name", "tool", "--dry-run")[1].endswith("Nothing was changed.\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert handover("add", "9999", "--name", "tool")[0] == 1
    assert path.read_text() == SETTINGS


def test_a_file_that_was_changed_meanwhile_is_left_alone(bot, handover, monkeypatch):
    path = bot()
    monkeypatch.setattr("typer.confirm", lambda *given, **named: path.write_text("app_id: '1'\n"))

    code, _, err = handover("add", "9999", "--name", "tool")

    assert code == 2
    assert "changed meanwhile" in err
    assert path.read_text() == "app_id: '1'\n"


def test_a_token_in_the_file_is_not_shown_around_the_change(bot, handover):
    bot(SETTINGS.replace("# The end.", "page_access_token: t   # s3cret"))

    assert "s3cret" not in handover("add", "9999", "--name", "tool", "--dry-run")[1]


def test_an_alias_is_not_added_to(bot, handover):
    text = 'app_id: "1234567890"\ntargets: &all {inbox: {kind: inbox}}\n'
    path = bot(text + "inbox: {}\n")

    assert handover("add", "9999", "--name", "tool", "--yes")[0] == 0
    assert "&all" in path.read_text()


def test_a_bot_without_messenger_has_no_apps(bot, handover, tmp_path):
    bot("targets: {inbox: {kind: inbox}}\n")
    (tmp_path / "credentials.yml").write_text("handover_channel.InboxInput:\n")

    for arguments in ((), ("add", "9999", "--name", "tool")):
        code, _, err = handover(*arguments)

        assert code == 2
        assert "not on Messenger" in err
