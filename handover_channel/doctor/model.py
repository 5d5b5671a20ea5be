"""Reads a model that Rasa has trained, without Rasa: its domain, its policies and where its rules lead.

A model is a tar.gz with a metadata.json, the trained domain and graph in it, and a folder for what each
component has kept (Rasa 3.6.21: rasa/engine/storage/local_model_storage.py, rasa/engine/storage/storage.py).
Rasa loads the newest of the folder `models` unless it is told another (rasa/model.py, get_latest_model).
"""

from __future__ import annotations

import json
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Optional, Tuple

from handover_channel.errors import HandoverError

#: Of a member of the archive that is read: those of a large bot have a tenth of that.
_MOST_BYTES = 64 * 1024 * 1024

_OUR_MODULES = "handover_channel."
_RULE_POLICY = "RulePolicy"


class UnreadableModel(HandoverError):
    """The archive is damaged, or no model of Rasa's."""


@dataclass(frozen=True)
class Model:
    """What is known of a model."""

    path: Path
    made_at: float  #: seconds since the epoch
    rasa: str  #: version that trained it, "" where it does not say
    domain: Mapping[str, Any]
    policies: FrozenSet[str]  #: dotted names of their classes
    #: Actions that rules lead to; None where there are other policies, or no rules could be read.
    actions_of_rules: Optional[FrozenSet[str]]

    @property
    def has_our_policy(self) -> bool:
        """Whether a policy of ours, or one named after it, keeps the bot silent."""
        return any("Handover" in each.rpartition(".")[2] for each in self.policies)

    def names(self, *sections: str) -> FrozenSet[str]:
        """Return the names in some of the domain's sections: "intents", "slots", "actions", "responses"."""
        return frozenset(name for each in sections for name in _names(self.domain.get(each)))


def newest(folder: Path) -> Optional[Path]:
    """Return the model that Rasa takes from a folder, None where there is none."""
    return max(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime, default=None)


def read(path: Path) -> Model:
    """Return what is in the model at *path*. Raises UnreadableModel."""
    try:
        metadata, rules = _members(path)
        made_at = path.stat().st_mtime
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, RecursionError) as error:
        raise UnreadableModel(f"{path.name} cannot be read ({type(error).__name__})") from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("domain"), dict):
        raise UnreadableModel(f"{path.name} is no model of Rasa 3")
    policies = frozenset(_policies(metadata.get("predict_schema")))
    others = [each for each in policies if not _is_rule_policy(each) and not each.startswith(_OUR_MODULES)]
    known = rules is not None and any(map(_is_rule_policy, policies)) and not others
    return Model(
        path,
        made_at,
        str(metadata.get("rasa_open_source_version") or ""),
        metadata["domain"],
        policies,
        rules if known else None,
    )


def _is_rule_policy(name: str) -> bool:
    return name.rpartition(".")[2] == _RULE_POLICY


def _members(path: Path) -> Tuple[Any, Optional[FrozenSet[str]]]:
    metadata: Any = None
    rules: Optional[FrozenSet[str]] = None
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            if member.name.lstrip("/") == "metadata.json":
                metadata = _json(archive, member)
            elif member.name.endswith("/rule_policy.json"):
                rules = (rules or frozenset()) | _actions(_json(archive, member))
    return metadata, rules


def _json(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    file = archive.extractfile(member)
    if file is None or member.size > _MOST_BYTES:
        raise ValueError(member.name)
    return json.loads(file.read())


def _actions(content: Any) -> FrozenSet[str]:
    rules = _below(_below(content, "lookup"), "rules")
    return frozenset(str(each) for each in rules.values())


def _policies(schema: Any) -> Iterator[str]:
    for node in _below(schema, "nodes").values():
        if isinstance(node, dict) and node.get("fn") == "predict_action_probabilities":
            yield str(node.get("uses"))


def _below(value: Any, key: str) -> Dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _names(section: Any) -> List[str]:
    if isinstance(section, dict):
        return list(section)
    items = section if isinstance(section, list) else []
    # An item with options is a mapping of its name: {greet: {use_entities: []}}
    return [str(name) for each in items for name in (each if isinstance(each, dict) else [each])]
