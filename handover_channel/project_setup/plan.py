"""Decides what `handover init` changes: asks each kind of file, and joins the answers. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Tuple

from handover_channel.project_setup import (
    actions,
    calm_bot,
    config,
    credentials,
    domain,
    endpoints,
    git_ignore,
    own_handoff,
    settings_file,
    stories,
    story_test,
    training_data,
    yaml_text,
)
from handover_channel.project_setup.edits import Edit, apply
from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE
from handover_channel.project_setup.project import (
    CONFIG,
    CREDENTIALS,
    ENDPOINTS,
    GIT_IGNORE,
    SETTINGS,
    Choices,
    NoProject,
    Planned,
    Project,
    documents,
    readable_documents,
    together,
)
from handover_channel.project_setup.yaml_text import Document
from handover_channel.rules.bot_contract import HANDOVER_ACTION, HANDOVER_INTENT


@dataclass(frozen=True)
class Facts:
    """What was found in all files of a project."""

    config: config.Facts
    credentials: credentials.Facts
    endpoints: endpoints.Facts
    settings: settings_file.Facts
    domain: domain.Facts
    training: training_data.Facts
    actions: actions.Facts
    tests: story_test.Facts
    own_intents: Tuple[str, ...]  #: by which people ask for people, as far as names tell
    own_actions: Tuple[str, ...]
    stories: stories.Facts
    alike: Mapping[str, Tuple[str, ...]]  #: other intents with phrases by which people ask for people

    @property
    def hands_over(self) -> bool:
        """Whether a rule hands over by our action already."""
        return any(HANDOVER_ACTION in each for each in self.training.rules.values())

    @property
    def usable_intents(self) -> Tuple[str, ...]:
        """Return those of the bot's own intents for which its stories can be changed."""
        return tuple(each for each in self.own_intents if each not in self.stories.blocked)

    @property
    def likely_intents(self) -> Tuple[str, ...]:
        """Return the intents that mean it by what people say, where no name tells."""
        likely = tuple(each for each in self.alike if each not in self.stories.blocked)
        return () if self.own_intents else likely


@dataclass(frozen=True)
class Found:
    """A project that was read."""

    project: Project
    domain: Mapping[str, Document]
    data: Mapping[str, Document]
    tests: Mapping[str, Document]
    facts: Facts


def look(project: Project) -> Found:
    """Read a project. Raises NoProject for one that is not of Rasa 3, and Unreadable."""
    data = documents(project.data)
    tests = readable_documents(project.tests)  # other programs may keep files there
    in_domain = documents(project.domain)
    about_domain = domain.look(in_domain)
    about_config = config.look(project.document(CONFIG))
    if not about_config.is_calm:
        _expect_rasa_3(about_domain, about_config)
    training = training_data.look(data)
    own_intents = own_handoff.intents(about_domain.names["intents"], training.examples)
    alike = {} if own_intents else training_data.intents_like_ours(training)
    facts = Facts(
        config=about_config,
        credentials=credentials.look(project.document(CREDENTIALS)),
        endpoints=endpoints.look(project.document(ENDPOINTS)),
        settings=settings_file.look(project.document(SETTINGS)),
        domain=about_domain,
        training=training,
        actions=actions.look(project.python),
        tests=story_test.look(project.tests),
        own_intents=own_intents,
        own_actions=own_handoff.actions(about_domain.names["actions"]),
        stories=stories.look({**data, **tests}, (*own_intents, *alike)),
        alike=alike,
    )
    return Found(project, in_domain, data, tests, facts)


def _expect_rasa_3(about_domain: domain.Facts, about_config: config.Facts) -> None:
    remedy = "handover needs Rasa 3 -> rasa data migrate, see that the bot trains, then go on"
    major = about_domain.version.partition(".")[0]
    if major in ("1", "2"):
        raise NoProject(f'the domain is of Rasa {major} (version: "{about_domain.version}"): {remedy}')
    old = [each for each in about_config.policies if each in config.OF_RASA_2]
    if old:
        raise NoProject(f"{CONFIG}: {old[0]} is a policy of Rasa 2: {remedy}")
    if about_domain.without_mappings:
        slot = about_domain.without_mappings[0]
        raise NoProject(f"the domain: slot {slot} has no mappings, as in Rasa 2: {remedy}")


def plan(found: Found, choices: Choices) -> Planned:
    """Return all that handover needs in this project, and what the developer should know about it.

    Raises NoProject for a choice that would leave a bot that Rasa does not train, and Unreadable.
    """
    facts, project = found.facts, found.project
    _expect_rewritable(found, choices)
    phrases = PHRASES_OF_LANGUAGE[choices.languages[0]]
    needed = domain.needed_actions(facts.domain, facts.actions.own)
    taken_over = facts.credentials.has_facebook or facts.credentials.has_messenger
    parts = [
        config.plan(project.document(CONFIG), facts.config),
        domain.plan(
            found.domain,
            project.domain_folder,
            facts.domain,
            choices,
            needed,
            phrases,
            mapping="controlled" if facts.config.is_calm else "custom",
        ),
        *_of_the_conversation(found, choices),
        credentials.plan(project.document(CREDENTIALS), facts.credentials, choices),
        endpoints.plan(project.document(ENDPOINTS), facts.endpoints),
        actions.plan(project.python, facts.actions, needed),
        settings_file.plan(
            project.document(SETTINGS),
            facts.settings,
            choices,
            simulated=choices.messenger and not taken_over,
            on_messenger=choices.messenger or taken_over,
        ),
        git_ignore.plan(
            project.git.get(GIT_IGNORE), project.document(SETTINGS), wanted=project.commits_database
        ),
    ]
    joined = _with_empty_files(together(parts), texts_of(project))
    _expect_readable(joined, texts_of(project))
    intents = (*_blocked(facts, choices), *_about_intents(facts, choices))
    remarks = () if joined.is_empty else (*joined.remarks, *intents, *_to_do(joined, found))
    return Planned(joined.edits, joined.created, remarks)


def _of_the_conversation(found: Found, choices: Choices) -> Tuple[Planned, ...]:
    """Return what leads to our actions, with tests: flows, or rules, examples and the bot's own stories."""
    facts, folder = found.facts, found.project.data_folder
    if facts.config.is_calm:
        return (calm_bot.plan(found.data, folder),)
    changed, covered = stories.plan({**found.data, **found.tests}, choices)
    return (
        training_data.plan(found.data, folder, facts.training, choices, facts.domain.forms, covered),
        changed,
        story_test.plan(facts.tests, choices, facts.training),
    )


def _with_empty_files(planned: Planned, texts: Mapping[str, str]) -> Planned:
    """Return the plan in which a file that is there, if empty, is changed: --undo must not take it away."""
    empty = {path: (Edit(0, "", text),) for path, text in planned.created.items() if path in texts}
    created = {path: text for path, text in planned.created.items() if path not in empty}
    return Planned({**planned.edits, **empty}, created, planned.remarks)


def _expect_readable(planned: Planned, texts: Mapping[str, str]) -> None:
    """Raise Unreadable where a file would not be read any more as it would be written."""
    for path, edits in planned.edits.items():
        if path.endswith((".yml", ".yaml")):
            yaml_text.read(f"{path}, with handover in it", apply(texts[path], edits)[0])


def _expect_rewritable(found: Found, choices: Choices) -> None:
    """Raise NoProject for an intent that is to ask for people, and that only its author can let do so."""
    given = (HANDOVER_INTENT, *found.facts.settings.intents)
    new = tuple(each for each in choices.intents if each not in given)
    for intent, places in stories.look({**found.data, **found.tests}, new).blocked.items():
        raise NoProject(
            f"--intent {intent}: not only actions follow it in {', '.join(places[:3])}, which would "
            "contradict the rule that hands over -> let utter_handover and action_handover follow it there, "
            "then once more"
        )


def _blocked(facts: Facts, choices: Choices) -> Tuple[str, ...]:
    return tuple(
        f"the bot's own intent {intent} is not used, not only actions follow it: {', '.join(places[:3])} -> "
        f"let utter_handover and action_handover follow it there, then: handover init --intent {intent}"
        for intent, places in facts.stories.blocked.items()
        if intent not in choices.intents
    )


def _about_intents(facts: Facts, choices: Choices) -> Tuple[str, ...]:
    """Return what is worth knowing about intents that were not chosen, and that are new."""
    unused = [each for each in facts.likely_intents if each not in choices.intents]
    new = [each for each in choices.intents if each not in (HANDOVER_INTENT, *facts.domain.names["intents"])]
    likely = tuple(
        f"{_listed(facts.alike[intent])} are examples of the intent {intent} -> to use it: handover init "
        f"--undo, then handover init --intent {intent}"
        for intent in unused
    )
    created = tuple(
        f"the domain has no intent {intent}, so it is created -> if you meant one of the bot's: handover "
        "init --undo, then name that"
        for intent in new
    )
    return (*likely, *created)


def _listed(said: Tuple[str, ...]) -> str:
    return ", ".join(f'"{each}"' for each in said[:3])


def _to_do(joined: Planned, found: Found) -> Tuple[str, ...]:
    written = joined.created.get(SETTINGS, "")
    said = []
    if settings_file.APP_ID_VARIABLE in written:
        said.append(
            f"{SETTINGS}: app_id is the environment variable MESSENGER_APP_ID -> set it, or write the "
            "id of your Meta app there (Meta for Developers > My apps)"
        )
    if settings_file.SIMULATOR_URL in written:
        said.append(
            f"{CREDENTIALS} and {SETTINGS} are for the Messenger on this machine (handover simulate), whose "
            "secrets everybody knows -> write your own there before the bot can be reached from outside"
        )
    if found.project.domain_folder:
        said.append(f"the domain is a folder -> rasa train --domain {found.project.domain_folder}")
    return tuple(said)


def texts_of(project: Project) -> Dict[str, str]:
    """Return every text of a project by its path."""
    return {
        **project.yaml,
        **project.domain,
        **project.data,
        **project.tests,
        **project.python,
        **project.git,
    }
