from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from pathlib import Path

import yaml

from handover_channel.rules import limits
from handover_channel.settings import loader
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL
from handover_channel.simulator.__main__ import parser

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
NGINX = (DEPLOY / "nginx.conf").read_text()
ENDPOINTS = yaml.safe_load((DEPLOY / "bot" / "endpoints.yml").read_text())

RASAS = [name for name in COMPOSE["services"] if name.startswith("rasa")]


def variables(text):
    """Names of the environment variables that a file wants."""
    return set(re.findall(r"\$\{([A-Z_]+)[}:]", text))


def seconds(duration):
    return int(duration.removesuffix("s"))


def test_the_bots_settings_are_accepted(monkeypatch):
    given = {
        "APP_ID": "1234567890",
        "APP_SECRET": "a-secret",
        "PAGE_ACCESS_TOKEN": "a-token",
        "VERIFY_TOKEN": "a-word",
        "POSTGRES_PASSWORD": "a1b2",
    }

    loaded = loader.load(str(DEPLOY / "bot" / "handover.yml"), environ=given)

    assert (loaded.app_id, loaded.secret) == ("1234567890", "a-secret")
    assert loaded.database == "postgresql://bot:a1b2@postgres/bot"


def test_every_variable_that_is_wanted_is_in_the_example_and_no_other():
    wanted = [path.read_text() for path in (DEPLOY / "bot").iterdir()]
    wanted.append((ROOT / "docker-compose.yml").read_text())
    example = (DEPLOY / "env.example").read_text()

    assert set.union(*map(variables, wanted)) == set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    assert not re.search(r"^[A-Z_]+=.", example, re.MULTILINE), "a secret in the example"


def test_rasa_shares_its_trackers_and_locks():
    tracker, lock = ENDPOINTS["tracker_store"], ENDPOINTS["lock_store"]

    assert (tracker["type"], tracker["dialect"], lock["type"]) == ("SQL", "postgresql", "redis")
    assert {tracker["url"], lock["url"]} <= set(COMPOSE["services"])
    assert ENDPOINTS["action_endpoint"]["url"] == "http://actions:5055/webhook"


def test_the_credentials_are_those_of_the_channel_and_of_the_inbox_alone():
    assert list(yaml.safe_load((DEPLOY / "bot" / "credentials.yml").read_text())) == [CHANNEL, INBOX_CHANNEL]


def test_the_proxy_knows_every_server():
    assert len(RASAS) > 1
    assert sorted(re.findall(r"server ([\w-]+):5005", NGINX)) == RASAS
    assert set(COMPOSE["services"]["proxy"]["depends_on"]) == set(RASAS)


def test_a_server_gets_the_time_that_its_turns_need_to_end():
    graceful = 15  # Sanic's GRACEFUL_SHUTDOWN_TIMEOUT
    assert all(seconds(COMPOSE["services"][name]["stop_grace_period"]) > graceful for name in RASAS)


def test_every_service_that_is_waited_for_has_a_health_check():
    for service in COMPOSE["services"].values():
        for awaited in service.get("depends_on", ()):
            assert "healthcheck" in COMPOSE["services"][awaited]


def test_what_the_images_copy_is_there_and_reaches_the_build():
    copied = [
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    assert copied
    assert not [source for source in copied if not (ROOT / source).exists()]
    assert not [source for source in copied if not any(fnmatch.fnmatch(source, f"{each}*") for each in sent)]


def test_the_image_of_the_actions_has_none_of_rasas_pins():
    actions = DOCKERFILE.partition(" AS actions")[2]

    assert "--constraint requirements-next.txt" in actions
    assert "requirements.txt" not in actions
    assert not re.search(r"^rasa==", (ROOT / "requirements-next.txt").read_text(), re.MULTILINE)


def test_the_image_of_the_bot_has_the_pins_and_none_of_the_tools():
    bot = DOCKERFILE.partition(" AS actions")[0]

    (extras,) = re.findall(r'--constraint requirements\.txt "\.\[([a-z,]+)\]"', bot)
    assert extras.split(",") == ["rasa", "postgresql"]
    assert not re.search(r"-r\s+requirements", bot)


def test_what_unpacks_the_answers_of_others_does_so_within_bounds():
    for name in ("requirements.txt", "requirements-next.txt"):
        (version,) = re.findall(r"^urllib3==(\d+)\.(\d+)", (ROOT / name).read_text(), re.MULTILINE)
        assert tuple(map(int, version)) >= (2, 6)
    assert "\"urllib3>=2.6; python_version >= '3.10'\"" in (ROOT / "pyproject.toml").read_text()


def test_the_vendored_htmx_is_the_one_that_was_looked_at():
    static, said = ROOT / "handover_channel/inbox/static", ROOT / "docs/decisions/0001-dependencies.md"
    htmx = (static / "htmx.min.js").read_bytes()
    version, digest = re.search(
        r"htmx ([\d.]+) .*?SHA-256:\s+`(\w{64})`", said.read_text(), re.DOTALL
    ).groups()

    assert hashlib.sha256(htmx).hexdigest() == digest
    assert f'version="{version}"'.encode() in htmx
    assert f"htmx {version}," in (static / "htmx.LICENSE.txt").read_text()


def test_passwords_beside_the_compose_file_are_not_for_git():
    ignored = (ROOT / ".gitignore").read_text().splitlines()

    assert {".env", ".env.*"} <= set(ignored)
    assert not any(fnmatch.fnmatch("env.example", each) for each in ignored)


def test_the_proxy_publishes_the_webhook_and_the_inbox_and_nothing_else_of_rasas():
    published = re.findall(r"location (.*?) \{[^}]*proxy_pass", NGINX)

    assert published[0] == "= /webhooks/facebook/webhook"
    assert all("/webhooks/inbox/" in each for each in published[1:])
    assert re.search(r"location ~ \^/webhooks/inbox/health/\?\$ \{\s*return 404;", NGINX)


def test_the_proxy_limits_bodies_as_the_server_does():
    def bytes_of(text):
        return int(text[:-1]) * {"k": limits.KB, "m": limits.MB}[text[-1]]

    found = [bytes_of(each) for each in re.findall(r"client_max_body_size (\w+);", NGINX)]

    assert found == [
        limits.WEBHOOK_BODY.value,
        limits.FORM_BODY.value,
        limits.REPLY_BODY.value,
        limits.NOTE_BODY.value,
    ]


def test_the_inbox_knows_whose_address_it_is_and_which_host_was_asked_for():
    (inbox,) = re.findall(r"location /webhooks/inbox/ \{([^}]*)location", NGINX)

    assert "proxy_set_header Host $http_host;" in inbox
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in inbox
    for name in RASAS:
        assert COMPOSE["services"][name]["environment"]["SANIC_PROXIES_COUNT"] == "1"


def test_the_image_of_the_simulator_is_made_of_what_is_here_and_starts_what_there_is():
    text = (DEPLOY / "simulator.Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for name in line.split()]
    command = json.loads(re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[0])
    health = json.loads(re.findall(r"CMD (\[.*\])$", text, re.MULTILINE)[0])

    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert command[:3] == ["python", "-m", "handover_channel.simulator"]
    assert parser().parse_args(command[3:]).host == "0.0.0.0"  # noqa: S104 (compared with)
    assert health[1] in copied
    assert health[2].endswith("/simulator/v1/health")
    assert re.search(r"^aiohttp==", (ROOT / "requirements-next.txt").read_text(), re.MULTILINE)
