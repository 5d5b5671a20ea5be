from __future__ import annotations

import io
import sys
import time

import pytest
from argon2 import PasswordHasher

from handover_channel import services
from handover_channel.cli import agents as cli_agents
from handover_channel.cli import main
from handover_channel.inbox import passwords as the_passwords
from handover_channel.inbox.auth import Auth
from handover_channel.inbox.passwords import Passwords
from handover_channel.store import agents
from handover_channel.store.agents import ADMIN, AGENT

PASSWORD = "a long password"


@pytest.fixture
def cheap(monkeypatch):
    made = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(the_passwords, "Passwords", lambda: made)
    return made


@pytest.fixture
def handover(store, make_play, cheap, monkeypatch, capsys):
    """Run the command; returns (exit code, stdout, stderr)."""
    play = make_play()
    parts = services.Services(play.settings, play.store, play.graph, play.thread_control)
    monkeypatch.setattr(services, "from_config", lambda: parts)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, typed=""):
        monkeypatch.setattr(sys, "argv", ["handover", "agents", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return run


@pytest.fixture
def add(handover):
    def add_one(name="kim", *options):
        assert handover("add", name, *options, "--password-stdin", typed=f"{PASSWORD}\n")[0] == 0

    return add_one


@pytest.fixture
def found(store):
    def find(name="kim"):
        with store.reading() as connection:
            return agents.get(connection, name)

    return find


@pytest.fixture
def auth(store, cheap):
    return Auth(store, passwords=cheap)


def test_an_agent_who_was_added_can_sign_in(handover, auth):
    assert handover("add", "Kim", "--password-stdin", typed=f"{PASSWORD}\n") == (0, "kim can sign in.\n", "")

    _, visitor = auth.sign_in("kim", PASSWORD, address="")
    assert (visitor.name, visitor.shown_name, visitor.is_admin) == ("kim", "Kim", False)


def test_an_agent_has_what_was_given(add, found):
    before = time.time()
    add("kim", "--shown-name", "Kim from  Support", "--admin", "--picture", "https://example.org/kim.png")

    kim = found()
    assert (kim.shown_name, kim.role, kim.picture) == (
        "Kim from Support",
        ADMIN,
        "https://example.org/kim.png",
    )
    assert kim.created_at >= before


def test_the_password_is_asked_for_twice_and_not_shown(handover, auth, monkeypatch):
    asked = []

    def prompt(text, **given):
        asked.append(given)
        return PASSWORD

    monkeypatch.setattr(cli_agents.typer, "prompt", prompt)

    _, out, err = handover("add", "kim")

    assert [bool(given["hide_input"] and given["confirmation_prompt"]) for given in asked] == [True]
    assert PASSWORD not in out + err
    assert auth.sign_in("kim", PASSWORD, address="")


def test_an_agent_is_not_added_twice(handover, add, found):
    add("kim")

    code, _, err = handover("add", "KIM", "--admin", "--password-stdin", typed="another password\n")

    assert (code, err) == (2, "there is an agent 'kim' already -> `handover agents password` or `role`\n")
    assert found().role == AGENT


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["kim lee"], PASSWORD, "'kim lee' cannot be an agent's name"),
        (["you"], PASSWORD, "take another name"),
        (["kim"], "short", "at least 10 characters"),
        (["kim"], "", "at least 10 characters"),
        (["kimberley.lee"], "Kimberley.Lee", "take another"),
        (["kim", "--shown-name", "\x1b[31mKim"], PASSWORD, "the shown name cannot be shown"),
        (["kim", "--shown-name", "x" * 101], PASSWORD, "the shown name cannot be shown"),
        (["kim", "--picture", "http://example.org/kim.png"], PASSWORD, "--picture is no https:// address"),
        (["kim", "--picture", "javascript:alert(1)"], PASSWORD, "--picture is no https:// address"),
        (["kim", "--picture", "https://["], PASSWORD, "--picture is no https:// address"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(handover, store, arguments, typed, said):
    code, _, err = handover("add", *arguments, "--password-stdin", typed=f"{typed}\n")

    assert code == 2
    assert said in err
    with store.reading() as connection:
        assert not agents.exist(connection)


def test_the_agents_are_a_table(handover, add, auth):
    add("kim", "--shown-name", "Kim [bold]L")
    add("ada", "--admin")
    auth.sign_in("kim", PASSWORD, address="")

    code, out, _ = handover("list")

    ada, kim = [line.split() for line in out.splitlines() if "│" in line]
    assert code == 0
    assert [each for each in ada if each != "│"][:3] == ["ada", "ada", "admin"]
    assert [each for each in kim if each != "│"][:6] == ["kim", "Kim", "[bold]L", "agent", "yes", kim[-2]]
    assert "$argon2" not in out


def test_who_has_no_password_yet_is_named_with_the_command_that_sets_one(handover, add, store):
    add("kim")
    with store.writing() as connection:
        agents.add(connection, agents.Agent("ada", "Ada", agents.NO_PASSWORD, ADMIN))

    _, out, _ = handover("list")

    (said,) = [line for line in out.splitlines() if "no password" in line]
    assert said == "ada has no password yet; without the link: handover agents password ada"


def test_no_agents_are_said_in_words(handover):
    assert handover("list") == (
        0,
        "There are no agents: the inbox is open to this machine only, by a link.\n",
        "",
    )


def test_who_is_removed_is_out(handover, add, found, auth):
    add("kim")
    add("lee")
    cookie, _ = auth.sign_in("kim", PASSWORD, address="")

    assert handover("remove", "Kim") == (0, "kim is removed.\n", "")

    assert found() is None
    assert auth.who(cookie) is None


def test_removing_the_last_one_says_what_that_opens(handover, add):
    add("kim")

    assert "open to this machine only, by a link" in handover("remove", "kim")[1]


def test_a_new_password_replaces_the_old_one_everywhere(handover, add, auth):
    add("kim")
    cookie, _ = auth.sign_in("kim", PASSWORD, address="")

    code, out, _ = handover("password", "kim", "--password-stdin", typed="another password\r\n")

    assert (code, out) == (0, "kim has a new password, and is signed out everywhere.\n")
    assert auth.who(cookie) is None
    assert auth.sign_in("kim", "another password", address="")


def test_a_bad_new_password_changes_nothing(handover, add, auth):
    add("kim")

    assert handover("password", "kim", "--password-stdin", typed="short\n")[0] == 2
    assert auth.sign_in("kim", PASSWORD, address="")


def test_a_role_is_changed(handover, add, found):
    add("kim")

    assert handover("role", "kim", "admin") == (0, "kim has the role admin.\n", "")
    assert found().role == ADMIN
    assert handover("role", "kim", "owner")[0] == 2
    assert found().role == ADMIN


@pytest.mark.parametrize(
    "arguments", [["remove", "nobody"], ["password", "nobody"], ["role", "nobody", "admin"]]
)
def test_who_is_not_there_is_named(handover, arguments):
    code, _, err = handover(*arguments)

    assert (code, err) == (2, "there is no agent 'nobody' -> `handover agents list` shows who there is\n")


def test_a_link_lets_one_in_where_there_are_no_agents(handover, auth):
    code, out, _ = handover("link", "--url", "http://localhost:5006/webhooks/inbox/")

    assert code == 0
    assert out.startswith("http://localhost:5006/webhooks/inbox/enter?key=")
    key = out.strip().rpartition("=")[2]
    assert auth.enter(key, address="127.0.0.1", host="localhost:5006", headers=[])


def test_where_there_are_agents_there_is_no_link(handover, add):
    add("kim")

    code, out, err = handover("link")

    assert (code, out) == (2, "")
    assert "sign in with name and password" in err


def test_without_argon2_it_is_said_what_to_install(handover, monkeypatch):
    monkeypatch.setattr(cli_agents, "find_spec", lambda name: None)

    code, _, err = handover("add", "kim")

    assert (code, err) == (2, "argon2-cffi is not installed -> pip install 'rasa-handover[inbox]'\n")
