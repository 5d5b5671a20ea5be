"""nginx with deploy/nginx.conf, or with what the documents add to it, before a server of the tests."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import requests

_ROOT = Path(__file__).parents[1]
NGINX = (_ROOT / "deploy" / "nginx.conf").read_text()
(_BELOW,) = re.findall(r"```nginx\n(.*?)```", (_ROOT / "docs" / "deployment.md").read_text(), re.DOTALL)
#: Serves the inbox below /bot/, too.
BELOW_BOT = NGINX.replace("location = /healthz", f"{_BELOW}\n    location = /healthz")


class Proxy:
    """nginx with these settings, before *rasa*, of which the `server_port` counts."""

    def __init__(self, folder: Path, rasa: Any, text: str) -> None:
        self.rasa, self.port = rasa, _free_port()
        # Outside the containers their names mean nothing; both are one server here.
        text = re.sub(r"server rasa-1:5005", f"server 127.0.0.1:{rasa.server_port}", text)
        text = re.sub(r"\n *server rasa-\d:5005[^\n]*", "", text)
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.port}").replace(
            "pid /tmp", f"pid {folder}"
        )
        text = text.replace("/dev/stdout", f"{folder}/access.log")
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            text = text.replace("http {", f"http {{\n  {kind}_temp_path {folder}/{kind};", 1)
        settings = folder / "nginx.conf"
        settings.write_text(text)
        command = ["nginx", "-p", str(folder), "-c", str(settings), "-e", f"{folder}/error.log"]
        self.checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
        # As root it would work as somebody who may not look into the folders of the tests.
        more = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        self._running = subprocess.Popen([*command, "-g", more], stderr=subprocess.DEVNULL)
        self._http = requests.Session()
        self._http.trust_env = False
        deadline = time.monotonic() + 10
        while not _listens(self.port):
            assert time.monotonic() < deadline, self.checked.stderr
            time.sleep(0.05)

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        """Send a request through it."""
        return self._http.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=30, **given)

    def stop(self) -> None:
        """End it."""
        self._http.close()
        self._running.terminate()
        self._running.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
