"""Domains of a bot, as people write them."""

from __future__ import annotations

import string

from hypothesis import strategies as st

NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=6).map(lambda name: f"x_{name}")
COMMENTS = st.sampled_from(["", "# a comment", "   # - handover", "# intents:", "    ", "  "])
ENDS = st.sampled_from(["\n", "\r\n"])


@st.composite
def lists(draw, indent=2):
    """The lines of a list of names, in one of the ways in which people write them; and its names."""
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    kind = draw(
        st.sampled_from(["block", "flow", "flow lines", "null"] if names else ["flow", "null", "tilde"])
    )
    if kind == "block":
        lines = []
        for name in names:
            written = draw(
                st.sampled_from(
                    [name, f"'{name}'", f'"{name}"', f"{name}:\n{' ' * indent}    use_entities: []"]
                )
            )
            lines += f"{' ' * indent}- {written}{draw(st.sampled_from(['', '  # why']))}".split("\n")
            lines += [draw(COMMENTS)]
        return "", lines, names
    if kind == "flow":
        return f" [{', '.join(names)}{draw(st.sampled_from([',', ''])) if names else ''}]", [], names
    if kind == "flow lines":
        return " [", [*(f"    {name},  # why" for name in names), "  ]"], names
    return {"null": "", "tilde": " ~"}[kind], [], []


SLOT_BLOCKS = (
    ["    type: text", "    mappings:", "      - type: from_text"],
    ["    type: text", "    mappings:", "    - type: from_text  # all of it", "      not_intent: deny"],
    ["    type: text", "    mappings: [{type: from_text, not_intent: [deny]}]"],
    [
        "    type: any",
        "    mappings: &mine",
        "      - type: from_intent",
        "        value: true",
        "        not_intent:",
        "        - deny",
    ],
    [
        "    type: text",
        "    initial_value: |+",
        "      a\tb",
        "",
        "",
        "    mappings:",
        "    -   type: custom",
    ],
    [
        "    type: text",
        "    initial_value: >-",
        "      folded",
        "      text",
        "    mappings: [{type: from_entity, entity: reason}]",
    ],
)


@st.composite
def domains(draw):
    """The text of a domain, as people write them."""
    lines = [draw(COMMENTS).strip() for _ in range(2)]
    sections = draw(
        st.permutations(["intents", "entities", "slots", "actions", "responses", "session_config"])
    )
    for section in sections[: draw(st.integers(1, 6))]:
        lines.append(draw(st.sampled_from(["", "# ---"])))
        if section in ("intents", "entities", "actions"):
            head, below, _ = draw(lists(indent=draw(st.sampled_from([0, 2, 4]))))
            lines += [f"{section}:{head}", *below]
        elif section == "slots":
            lines.append("slots:")
            for number in range(draw(st.integers(0, 3))):
                block = [
                    line.replace("&mine", f"&mine_{number}") for line in draw(st.sampled_from(SLOT_BLOCKS))
                ]
                lines += [f"  slot_{number}:", *block]
        elif section == "responses":
            lines += (
                ["responses:", '  utter_greet:\n  - text: "tab\\t, {braces}"']
                if draw(st.booleans())
                else ["responses: {}"]
            )
        else:
            lines += ["session_config: {session_expiration_time: 60}", draw(COMMENTS)]
    end = draw(ENDS)
    text = "\n".join(line for each in lines for line in each.split("\n"))
    text += draw(st.sampled_from(["", "\n", "\n\n", "\n# the end", "\n...\n"]))
    return text.replace("\n", end)
