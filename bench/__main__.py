"""`python -m bench [FIGURE ...]`, or names with commas between: measure, print, and write the report.

BENCH_SCALE=0.1 takes a tenth of the counts. Only a whole run at full counts writes docs/benchmarks.md;
any other writes results/bench/benchmarks.md.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from typing import Dict, List

import uvloop

from bench import machine, report
from bench.figures import FIGURES
from bench.outcome import NOT_MEASURED, Line, Outcome
from bench.processes import ROOT
from bench.stage import FOLDER, Stage


def main(chosen: List[str]) -> int:
    """Measure the chosen figures, all by default. Returns the exit status: 2 for a name that is none."""
    strangers = [name for name in chosen if name not in FIGURES]
    if strangers:
        print(f"there is no figure {', '.join(strangers)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    scale = float(os.environ.get("BENCH_SCALE", "1"))
    stage = Stage(scale)
    outcomes: Dict[str, Outcome] = {}
    idle: Dict[str, float] = {}
    begun = time.monotonic()
    for name in chosen or FIGURES:
        idle[name] = machine.idle()
        print(f"{name} ...", flush=True)
        outcomes[name] = _measured(name, stage)
        _show(outcomes[name])
    minutes = (time.monotonic() - begun) / 60
    date = time.strftime("%Y-%m-%d", time.gmtime())
    run = report.Run(date, machine.describe(), scale, outcomes, idle, minutes)
    whole = scale == 1 and not chosen
    place = ROOT / "docs" / "benchmarks.md" if whole else FOLDER / "benchmarks.md"
    place.parent.mkdir(parents=True, exist_ok=True)  # a figure without a server has made none
    place.write_text(report.render(run, FIGURES), encoding="utf-8")
    print(f"written: {place.relative_to(ROOT)}")
    return 0


def _measured(name: str, stage: Stage) -> Outcome:
    """Measure one figure. Whatever goes wrong is its verdict, and the others go on."""
    try:
        found: Outcome = FIGURES[name].measure(stage)
        return found
    except Exception as error:
        traceback.print_exc()
        nothing = NOT_MEASURED
        line = Line(name, nothing, nothing, nothing, nothing, report.failed(error))
        return Outcome([line])


def _show(outcome: Outcome) -> None:
    for table in outcome.tables:
        print(report.table_in_text(table))
    for line in outcome.lines:
        print(f"{line.figure}: {line.ours} ({line.to_reach}): {line.verdict}", flush=True)


if __name__ == "__main__":
    uvloop.install()
    # As Ctrl-C: every server that was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main([name for given in sys.argv[1:] for name in given.split(",")]))
