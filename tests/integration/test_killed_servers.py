"""Kills servers as the tests of a power cut do: one that outlived another would act on its end."""

from __future__ import annotations

import sys
import time

from stack import Server, eventually, free_port, kill_at_once

#: Two that are connected; each says when the other one is gone.
LISTENS = """
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
connection = listening.accept()[0]
print("connected")
connection.recv(1)
print("alone")
"""
CONNECTS = """
import socket, sys, time
while True:
    try:
        connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except ConnectionError:
        time.sleep(0.05)
print("connected")
connection.recv(1)
print("alone")
"""


def test_none_of_the_servers_that_are_killed_lives_to_see_another_one_gone(tmp_path, monkeypatch):
    port = str(free_port())
    programs = {"listens": LISTENS, "connects": CONNECTS}
    servers = [
        Server(name, [sys.executable, "-c", text, port], tmp_path, "") for name, text in programs.items()
    ]
    kill = Server.kill

    def kill_slowly(server):
        kill(server)
        time.sleep(0.5)  # as long as another process might have the core: who can act does so

    monkeypatch.setattr(Server, "kill", kill_slowly)
    for server in servers:
        server.start()
    try:
        eventually(lambda: all("connected" in server.log() for server in servers))
    finally:
        kill_at_once(servers)

    assert [server.log().split() for server in servers] == [["connected"], ["connected"]]
