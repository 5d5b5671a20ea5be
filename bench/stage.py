"""Where the figures are measured: folders, models, servers, how much of everything."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from bench import meta
from bench.meta import Meta
from bench.processes import ROOT, Process, free_port, running
from bench.rasa_server import OURS, STOCK, Backing, RasaServer

FOLDER = ROOT / "results" / "bench"
BOT = ROOT / "bench" / "bot"
POLICY = "handover_channel.HandoverPolicy"

#: The delay of the Graph API in most figures, in seconds.
GRAPH = 0.2
SENDERS = 64


class Stage:
    """One run of the bench. *scale*: share of the full counts, for trying a figure out."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self._models: Dict[str, Path] = {}
        self._runs = FOLDER / "run"
        shutil.rmtree(self._runs, ignore_errors=True)

    def train(self) -> None:
        """Train the models of the bench's bot, where that is not done yet."""
        for channel in (OURS, STOCK):
            self._model(channel)

    def count(self, full: int, least: int = 1) -> int:
        """Return the share of *full* that this run takes."""
        return max(least, round(full * self.scale))

    @contextmanager
    def meta(self, name: str) -> Iterator[Meta]:
        """Run a fake Graph API."""
        with meta.serving(self._runs / name) as found:
            yield found

    def server(
        self,
        name: str,
        graph: Meta,
        *,
        channel: str = OURS,
        backing: Optional[Backing] = None,
        inbox: bool = False,
        model: Optional[Path] = None,
    ) -> RasaServer:
        """Return a Rasa server in a new folder, not started. *model*: by default that of the bench's bot."""
        model = model or self._model(channel)
        return RasaServer(self._runs / name, model, graph, channel=channel, backing=backing, inbox=inbox)

    @contextmanager
    def rasa(
        self, name: str, graph: Meta, *, channel: str = OURS, backing: Optional[Backing] = None
    ) -> Iterator[RasaServer]:
        """Run a Rasa server in a new folder."""
        server = self.server(name, graph, channel=channel, backing=backing)
        with running(server):
            yield server

    @contextmanager
    def both(self, name: str, graph: Meta) -> Iterator[Tuple[RasaServer, RasaServer]]:
        """Run a Rasa server with our channel and one with Rasa's own, which start on a core each."""
        servers = self.server(name, graph), self.server(f"{name}-stock", graph, channel=STOCK)
        with running(*servers):
            yield servers

    @contextmanager
    def floor(self, name: str) -> Iterator[int]:
        """Run the floor in a new folder; gives its port."""
        folder, port = self._runs / name, free_port()
        folder.mkdir(parents=True)
        with running(
            Process(["-m", "bench.floor", str(port)], folder, "floor.log", f"http://127.0.0.1:{port}/")
        ):
            yield port

    def example_model(self) -> Path:
        """Return a model of the example bot; it is kept until the bot changes."""
        sources = [ROOT / "config.yml", ROOT / "domain.yml", *sorted((ROOT / "data").rglob("*.yml"))]
        return _trained("example", ROOT, sources)

    def _model(self, channel: str) -> Path:
        if channel not in self._models:
            name = "stock" if channel == STOCK else "ours"
            self._models[channel] = _trained(name, BOT, sorted(BOT.rglob("*.yml")))
        return self._models[channel]


def _trained(name: str, bot: Path, sources: List[Path]) -> Path:
    """Return a model of the *bot* with these *sources*; it is kept until they change."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    name = f"{name}-{digest}"  # no dot: Rasa would cut the name there
    model = FOLDER / "models" / f"{name}.tar.gz"
    if model.exists():
        return model
    folder = FOLDER / "training" / name
    shutil.rmtree(folder, ignore_errors=True)
    for source in sources:
        copy = folder / source.relative_to(bot)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    if name.startswith("stock"):
        config = folder / "config.yml"
        config.write_text(config.read_text().replace(f"  - name: {POLICY}\n", ""))
    command = [sys.executable, "-m", "rasa", "train", "--out", str(model.parent)]
    command += ["--fixed-model-name", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode or not model.exists():
        raise RuntimeError(f"rasa train failed:\n{done.stdout}\n{done.stderr}")
    return model
