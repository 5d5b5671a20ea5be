"""`python -m bench [FIGURE ...]`, or names with commas between: measure, print, and write the report.

1. `--runs 3` measures everything three times, and the report has all three; it is written anew after each.
2. `--render 3` measures nothing: it writes the report from the three newest runs that are kept.
3. The figures that only count are measured at last, two at a time; each of the others has the machine for
   itself.
4. BENCH_SCALE=0.1 takes a tenth of the counts. Runs at full counts are kept, in results/bench/runs, those of
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
from typing import Dict, List, Sequence, Tuple

import uvloop

from bench import machine, report, runs, side_by_side
from bench.figures import COUNTING, FIGURES
from bench.outcome import NOT_MEASURED, Line, Outcome
from bench.processes import ROOT
from bench.stage import FOLDER, Stage

DOCUMENT, KEPT = ROOT / "docs" / "benchmarks.md", FOLDER / "runs"

#: How many figures that only count are measured at the same time.
AT_ONCE = 2


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
    found: Dict[str, Tuple[Outcome, float]] = {}
    idle: Dict[str, float] = {}
    counting = [name for name in COUNTING if name in names]
    begun, date = time.monotonic(), time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    for name in names:
        if name not in counting:
            idle[name] = machine.idle()
            print(f"{name} ...", flush=True)
            found[name] = _measured(name, stage)
            _show(name, *found[name])
    if counting:
        stage.train()  # two of them would train the same model
        idle.update(dict.fromkeys(counting, machine.idle()))
        print(f"{', '.join(counting)} ...", flush=True)
        for name, each in side_by_side.results(lambda name: _measured(name, stage), counting, AT_ONCE):
            found[name] = each
            _show(name, *each)
    return report.Run(
        date,
        machine.describe(),
        scale,
        outcomes={name: found[name][0] for name in names},
        idle={name: idle[name] for name in names},
        seconds={name: found[name][1] for name in names},
        minutes=(time.monotonic() - begun) / 60,
        together=counting if len(counting) > 1 else [],
    )


def _write(place: Path, made: Sequence[report.Run]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)  # a figure without a server has made none
    place.write_text(report.render(made, FIGURES), encoding="utf-8")
    print(f"written: {place.relative_to(ROOT)}", flush=True)


def _measured(name: str, stage: Stage) -> Tuple[Outcome, float]:
    """Measure one figure; in how many seconds. Whatever goes wrong is its verdict, and the others go on."""
    begun = time.monotonic()
    try:
        found: Outcome = FIGURES[name].measure(stage)
    except Exception as error:
        traceback.print_exc()
        nothing = NOT_MEASURED
        found = Outcome([Line(name, nothing, nothing, nothing, nothing, report.failed(error))])
    return found, time.monotonic() - begun


def _show(name: str, outcome: Outcome, seconds: float) -> None:
    for table in outcome.tables:
        print(report.table_in_text(table))
    for line in outcome.lines:
        print(f"{line.figure}: {line.ours} ({line.to_reach}): {line.verdict}")
    print(f"{name} took {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    uvloop.install()
    # As Ctrl-C: every server that was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
