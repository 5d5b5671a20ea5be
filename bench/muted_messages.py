"""The CPU of a muted message by the length of the conversation, for the figures on Messenger and on REST."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

from bench.bodies import people
from bench.outcome import NOT_MEASURED, Line, Table, verdict
from bench.rasa_server import RasaServer
from bench.stage import Stage
from bench.wire import one_after_another, run

LENGTHS = (10, 1_000, 10_000)
WANTED_RATIO = 1.1
_ROUNDS, _EACH = 3, 340

#: Rasa's own: length -> (conversations, messages in each); few in each, so that it keeps its length.
_STOCK_LOAD: Dict[int, Tuple[int, int]] = {10: (60, 5), 1_000: (10, 30), 10_000: (2, 10)}

#: (person, how many) -> the requests of that many messages.
Said = Callable[[str, int], List[bytes]]


def filled(rasa: RasaServer, prefix: str) -> Dict[int, str]:
    """Return a person for each length of conversation, which they have."""
    persons = dict(zip(LENGTHS, people(prefix, len(LENGTHS))))
    for length, person in persons.items():
        rasa.fill(person, count=length)
    return persons


def ours(stage: Stage, rasa: RasaServer, persons: Dict[int, str], said: Said) -> Dict[int, List[float]]:
    """Return the milliseconds of a message of each of *persons*, who are muted, round by round."""
    rounds: Dict[int, List[float]] = {length: [] for length in LENGTHS}
    for _ in range(_ROUNDS):
        for length, person in persons.items():
            rounds[length].append(cpu_ms(rasa, [said(person, stage.count(_EACH, 30))]))
    return rounds


def stock(stage: Stage, rasa: RasaServer, prefix: str, said: Said) -> Dict[int, float]:
    """Return the same of Rasa with its own channels, paused."""
    found = {}
    for length, (conversations, each) in _STOCK_LOAD.items():
        persons = people(f"{prefix}{length}", stage.count(conversations, 2))
        rasa.fill(*persons, count=length, paused=True)
        found[length] = cpu_ms(rasa, [[request for person in persons for request in said(person, each)]])
    return found


def cpu_ms(rasa: RasaServer, senders: List[List[bytes]]) -> float:
    """Return the milliseconds of CPU that the server takes for each request, until all are processed."""
    before = rasa.cpu()
    load = run(one_after_another(rasa.port, senders), within=120)
    if load.accepted != load.count or not rasa.settled():
        raise RuntimeError(f"not all were processed: {load.statuses}")
    return (rasa.cpu() - before) / load.count * 1000


def lines(
    where: str,
    wanted_ms: float,
    paused: Dict[int, float],
    rounds: Dict[int, List[float]],
    *,
    silent: bool = True,
) -> List[Line]:
    """Return what the summary says. *where*: "" or " on REST"; *silent*: nothing was sent meanwhile."""
    means = _means(rounds)
    ratio = means[10_000] / means[10]
    return [
        Line(
            f"CPU of a muted message{where}, 1,000 events in the tracker",
            f"{paused[1_000]:.0f} ms (paused)",
            NOT_MEASURED,
            f"{means[1_000]:.2f} ms",
            f"under {wanted_ms:g} ms",
            verdict(means[1_000] < wanted_ms and silent),
        ),
        Line(
            f"the same{where}, 10,000 events to 10 events",
            f"{paused[10_000] / paused[10]:.1f} times",
            NOT_MEASURED,
            f"{ratio:.2f} times",
            f"at most {WANTED_RATIO} times",
            verdict(ratio <= WANTED_RATIO),
        ),
    ]


def table(
    where: str,
    paused: Dict[int, float],
    rounds: Dict[int, List[float]],
    more: Sequence[Sequence[str]] = (),
) -> Table:
    """Return the raw numbers, and *more* rows."""
    means = _means(rounds)
    rows = [
        [
            f"{length:,}",
            f"{paused[length]:.1f}",
            f"{means[length]:.2f}",
            ", ".join(f"{one:.2f}" for one in rounds[length]),
        ]
        for length in LENGTHS
    ]
    heads = ["events in the tracker", "Rasa's own, paused: ms", "ours: ms", "ours, each round: ms"]
    return Table(f"A muted message{where}, CPU", heads, [*rows, *more])


def _means(rounds: Dict[int, List[float]]) -> Dict[int, float]:
    return {length: sum(found) / len(found) for length, found in rounds.items()}
