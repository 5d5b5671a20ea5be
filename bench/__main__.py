"""`python -m bench [FIGURE ...]`, or names with commas between: measure, print, and write the report.

1. `--runs 3` measures everything three times, and the report has all three; it is written anew after each.
2. `--render 3` measures nothing: it writes the report from the three newest runs that are kept.
3. BENCH_SCALE=0.1 takes a tenth of the counts. Runs at full counts are kept, in results/bench/runs, those of
   some figures too; only whole ones write docs/benchmarks.md by themselves, others
   results/bench/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Dict, List, Sequence

import uvloop

from bench import machine, report, runs
from bench.figures import FIGURES
from bench.outcome import NOT_MEASURED, Line, Outcome
from bench.processes import ROOT
from bench.stage import FOLDER, Stage

DOCUMENT, KEPT = ROOT / "docs" / "benchmarks.md", FOLDER / "runs"


def main(given: List[str]) -> int:
    """Do what the arguments say. Returns the exit status: 2 for a name that is none, or too few kept runs."""
    options = _options(given)
    chosen = [name for names in options.figures for name in names.split(",")]
    strangers = [name for name in chosen if name not in FIGURES]
    if strangers:
        print(f"there is no figure {', '.join(strangers)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    if options.render:
        try:
            _write(DOCUMENT, runs.kept(KEPT, options.render))
        except LookupError as error:
            print(error, file=sys.stderr)
            return 2
        return 0
    scale = float(os.environ.get("BENCH_SCALE", "1"))
    whole = scale == 1 and not chosen
    made: List[report.Run] = []
    for _ in range(options.runs):
        made.append(_run(scale, chosen or list(FIGURES)))
        if scale == 1:
            runs.keep(made[-1], KEPT)
        _write(DOCUMENT if whole else FOLDER / "benchmarks.md", made)
    return 0


def _options(given: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--runs", type=int, default=1, help="how often everything is measured")
    parser.add_argument("--render", type=int, default=0, help="write the report from so many kept runs")
    return parser.parse_args(given)


def _run(scale: float, names: Sequence[str]) -> report.Run:
    """Measure these figures once."""
    stage = Stage(scale)
    outcomes: Dict[str, Outcome] = {}
    idle: Dict[str, float] = {}
    seconds: Dict[str, float] = {}
    begun, date = time.monotonic(), time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    for name in names:
        idle[name] = machine.idle()
        print(f"{name} ...", flush=True)
        figure_begun = time.monotonic()
        outcomes[name] = _measured(name, stage)
        seconds[name] = time.monotonic() - figure_begun
        _show(outcomes[name])
        print(f"{name} took {seconds[name]:.0f} s", flush=True)
    minutes = (time.monotonic() - begun) / 60
    return report.Run(date, machine.describe(), scale, outcomes, idle, seconds, minutes)


def _write(place: Path, made: Sequence[report.Run]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)  # a figure without a server has made none
    place.write_text(report.render(made, FIGURES), encoding="utf-8")
    print(f"written: {place.relative_to(ROOT)}", flush=True)


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
    sys.exit(main(sys.argv[1:]))
