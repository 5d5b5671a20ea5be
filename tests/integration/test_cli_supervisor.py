from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from io import StringIO

import pytest
from rich.console import Console

import handover_channel
from handover_channel.cli import demo
from handover_channel.cli.supervisor import Children, Part, taken

SERVER = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
FALLS = "import sys, time; print('the database is locked'); time.sleep(1); sys.exit(3)"

PARENT = """
import subprocess
child = subprocess.Popen(["sleep", "300"])
print(child.pid, flush=True)
child.wait()
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(300)
"""


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _server(port: int, name: str = "Server") -> Part:
    return Part(name, ("-c", SERVER, str(port)), f"http://127.0.0.1:{port}/")


def _eventually(true, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return done


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_part_answers_once_it_works_and_its_port_is_taken(tmp_path, port):
    part = _server(port)
    assert not taken([part])

    with Children([part], logs=tmp_path) as (child,):
        assert _eventually(child.answers)
        assert taken([part]) == [part]

    assert child.process.returncode == -signal.SIGTERM
    assert not taken([part])


def test_what_a_child_started_ends_with_it(tmp_path):
    with Children([Part("Parent", ("-c", PARENT))], logs=tmp_path) as (child,):
        assert _eventually(child.last_lines)
        grandchild = int(child.last_lines()[0])
        assert _alive(grandchild)

    assert _eventually(lambda: not _alive(grandchild))


def test_who_ignores_sigterm_is_killed_after_the_grace_period(tmp_path):
    with Children([Part("Deaf", ("-c", DEAF))], logs=tmp_path, grace=0.2) as (child,):
        assert _eventually(child.last_lines)

    assert child.process.returncode == -signal.SIGKILL


def test_a_part_that_cannot_be_started_takes_the_others_down(tmp_path, port):
    parts = [_server(port), Part("No log", ("-c", ""))]
    (tmp_path / "no-log.log").mkdir()

    with pytest.raises(IsADirectoryError), Children(parts, logs=tmp_path):
        pass  # pragma: no cover

    assert not taken(parts)


def test_a_progress_bar_does_not_hide_the_last_lines(tmp_path):
    with Children([Part("Bar", ("-c", r"print('10%\r50%\r100%\nan error\n')"))], logs=tmp_path) as (child,):
        child.process.wait()

    assert child.last_lines() == ["100%", "an error"]


# --- the demo, with parts that start at once ----------------------------------------------------


@pytest.fixture
def ready_folder(tmp_path, monkeypatch):
    """A folder in which nothing is lacking and the bot is trained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "lacking", list)
    monkeypatch.setattr(demo, "is_trained", lambda: True)
    return tmp_path


def test_the_demo_prints_the_addresses_once_all_parts_answer(ready_folder, port):
    said = StringIO()

    code = demo.run(Console(file=said), check=True, parts=[_server(port)])

    assert code == 0
    assert said.getvalue().index("Server answers") < said.getvalue().index(demo.MESSENGER_URL)
    assert not taken([_server(port)])


def test_a_part_that_ends_by_itself_ends_the_demo_and_is_quoted(ready_folder, port):
    said = StringIO()
    falling = Part("Rasa", ("-c", FALLS), f"http://127.0.0.1:{port}/")

    code = demo.run(Console(file=said), parts=[_server(port), falling])

    assert code == 1
    assert "Rasa ended with exit code 3" in said.getvalue()
    assert "the database is locked" in said.getvalue()
    assert not taken([falling])


def test_a_part_that_ends_before_it_answers_is_quoted(ready_folder, port):
    said = StringIO()
    falling = Part("Rasa", ("-c", FALLS), "http://127.0.0.1:9/")

    code = demo.run(Console(file=said), parts=[_server(port), falling])

    assert code == 1
    assert "the database is locked" in said.getvalue()
    assert demo.MESSENGER_URL not in said.getvalue()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_and_is_no_failure(ready_folder, port, number):
    code = (
        "import sys; from rich.console import Console; from handover_channel.cli import demo;"
        "from handover_channel.cli.supervisor import Part;"
        "demo.lacking = list; demo.is_trained = lambda: True;"
        f"part = Part('Server', ('-c', {SERVER!r}, '{port}'), 'http://127.0.0.1:{port}/');"
        "sys.exit(demo.run(Console(), parts=[part]))"
    )
    root = os.path.dirname(handover_channel.__path__[0])
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    said = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout))
    reader.start()
    try:
        assert _eventually(lambda: any("Ctrl-C" in line for line in said))
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        reader.join()
        process.stdout.close()

    assert not taken([_server(port)])
