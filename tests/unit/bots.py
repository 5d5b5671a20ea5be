"""A bot in a folder, as `handover init` and `rasa train` leave it: what the doctor's tests take apart."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any, Dict

import yaml

from handover_channel.doctor.facts import Facts

#: Recognisable, wherever one of them appears.
SECRETS = {
    "verify": "verify-SECRET-1",
    "secret": "app-SECRET-2",
    "page-access-token": "token-SECRET-3",
    "password": "password-SECRET-4",
}

FILES: Dict[str, Any] = {
    "handover.yml": {
        "app_id": "1234567890",
        "graph_api": {"url": "http://127.0.0.1:9", "version": "v27.0"},
        "targets": {"inbox": {"kind": "inbox"}},
    },
    "credentials.yml": {
        "handover_channel.MessengerInput": {
            each: SECRETS[each] for each in ("verify", "secret", "page-access-token")
        },
        "handover_channel.InboxInput": None,
    },
    "endpoints.yml": {
        "action_endpoint": {"url": f"http://rasa:{SECRETS['password']}@127.0.0.1:9/webhook"},
        "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": "rasa.db"},
    },
    "config.yml": {"policies": [{"name": "RulePolicy"}, {"name": "handover_channel.HandoverPolicy"}]},
    "domain.yml": {"intents": ["handover", "handover_returned"]},
    "data/rules.yml": {"rules": []},
}

DOMAIN = {
    "intents": [{"handover": {"use_entities": []}}, "handover_returned", "greet"],
    "slots": {"handover_target": {}, "handover_until": {}},
    "actions": ["action_handover", "action_handover_return"],
    "responses": {"utter_handover": [], "utter_handover_failed": []},
}
POLICIES = ("rasa.core.policies.rule_policy.RulePolicy", "handover_channel.rasa.policy.HandoverPolicy")
RULES = {"a": "action_handover", "b": "action_handover_return"}

NO_CHANNELS = {"rest": None}
MOUNTS = "/dev/sda1 / ext4 rw 0 0\n"


def make(folder: Path, **changes: Any) -> Path:
    """Write the bot, with other contents for files named like `handover_yml`; None leaves the file out."""
    contents = {**FILES, **{name.replace("_", "."): content for name, content in changes.items()}}
    for name, content in contents.items():
        if content is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
        os.utime(path, (1000, 1000))
    train(folder)
    (folder / "mounts").write_text(MOUNTS, encoding="utf-8")
    return folder


def train(
    folder: Path,
    *,
    domain: Any = DOMAIN,
    policies: Any = POLICIES,
    rules: Any = RULES,
    rasa: str = "3.6.21",
    at: float = 2000,
    name: str = "bot",
) -> Path:
    """Write a model as Rasa does."""
    nodes = {each: {"uses": each, "fn": "predict_action_probabilities"} for each in policies}
    nodes["provider"] = {"uses": "rasa.DomainProvider", "fn": "provide"}
    metadata = {"domain": domain, "rasa_open_source_version": rasa, "predict_schema": {"nodes": nodes}}
    path = folder / "models" / f"{name}.tar.gz"
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for member, content in (
            ("components/train_RulePolicy1/rule_policy.json", {"lookup": {"rules": rules}}),
            ("metadata.json", metadata),
        ):
            data = json.dumps(content).encode()
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    os.utime(path, (at, at))
    return path


def facts(folder: Path, environ: Any = None, **more: Any) -> Facts:
    """Return the facts of the bot in *folder*."""
    return Facts(
        str(folder / "handover.yml"), folder=folder, environ=environ or {}, mounts=folder / "mounts", **more
    )
