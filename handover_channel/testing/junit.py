"""Writes what came of scenarios as JUnit XML, which servers of continuous integration read.

https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Dict, Sequence
from xml.etree import ElementTree

from handover_channel.testing.player import Played

#: What no XML 1.0 may hold: https://www.w3.org/TR/xml/#charsets
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_of(played: Sequence[Played], kind: str) -> str:
    """Return the XML of what was played: a suite for each file, a case for each scenario."""
    root = ElementTree.Element("testsuites", _counts(played))
    root.set("name", f"handover test, {kind}")
    for file, group in groupby(played, key=lambda each: each.scenario.file):
        cases = list(group)
        suite = ElementTree.SubElement(root, "testsuite", {"name": str(file), **_counts(cases)})
        for each in cases:
            _add(suite, each)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ElementTree.Element, played: Played) -> None:
    scenario = played.scenario
    facts = {"name": _clean(scenario.name), "classname": scenario.file.stem, "file": str(scenario.file)}
    facts.update(line=str(scenario.line), time=f"{played.seconds:.3f}")
    case = ElementTree.SubElement(suite, "testcase", facts)
    if played.failed:
        failure = ElementTree.SubElement(case, "failure", {"message": _clean(played.said)})
        failure.text = _clean(played.diff())
    if played.skipped:
        ElementTree.SubElement(case, "skipped", {"message": _clean(played.skipped)})


def _counts(played: Sequence[Played]) -> Dict[str, str]:
    return {
        "tests": str(len(played)),
        "failures": str(sum(each.failed for each in played)),
        "skipped": str(sum(bool(each.skipped) for each in played)),
        "time": f"{sum(each.seconds for each in played):.3f}",
    }


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
