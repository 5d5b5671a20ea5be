"""Somebody who wants the bot to stop: `python -m bench.attackers NAME PORT [COOKIE ADDRESS ...]`.

A process of its own, so that it takes nothing from the load whose answers are timed. Each attack is made
once; what is refused is refused, and whoever hangs up on us is not called again.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Awaitable, Callable, Dict, Iterator, Sequence

from bench.bodies import WEBHOOK, message, people, post

MB = 1024**2
SIGN_IN = "/webhooks/inbox/sign-in"
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=B"

#: Seconds until an attacker is satisfied.
PATIENCE = 60.0

_PART = b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


async def send(port: int, head: str, size: int, content: bytes) -> None:
    """Send a request with *size* bytes of *content* over and over, and wait for the end of its answer."""
    with suppress(OSError, asyncio.TimeoutError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"{head}Connection: close\r\nContent-Length: {size}\r\n\r\n".encode())
            for piece in _pieces(size, content):
                writer.write(piece)
                await writer.drain()
            await asyncio.wait_for(reader.read(-1), PATIENCE)
        finally:
            writer.close()


def _pieces(size: int, content: bytes) -> Iterator[bytes]:
    block = content * (MB // len(content) + 1)
    whole, rest = divmod(size, len(block))
    for _ in range(whole):
        yield block
    yield block[:rest]


def _form(port: int, kind: str) -> str:
    return (
        f"POST {SIGN_IN} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        f"Content-Type: {kind}\r\n"
    )


async def fields(port: int, given: Sequence[str]) -> None:
    """One form of millions of fields."""
    await send(port, _form(port, URLENCODED), 28 * MB, b"a=1&")


async def forms(port: int, given: Sequence[str]) -> None:
    """Six at once, with three smaller ones each."""

    async def three() -> None:
        for _ in range(3):
            await send(port, _form(port, URLENCODED), 2 * MB, b"a=1&")

    await asyncio.gather(*(three() for _ in range(6)))


async def parts(port: int, given: Sequence[str]) -> None:
    """One form of half a million parts."""
    await send(port, _form(port, MULTIPART), 500_000 * len(_PART), _PART)


async def name(port: int, given: Sequence[str]) -> None:
    """One form with a name that does not end."""
    await send(port, _form(port, URLENCODED), 28 * MB, b"name=" + b"a" * (MB - 5))


async def letters(port: int, given: Sequence[str]) -> None:
    """Five people who each write 20,000 letters."""

    async def write(person: str) -> None:
        with suppress(OSError, asyncio.TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(post(message(person, "x" * 20_000)))
            await asyncio.wait_for(reader.readline(), PATIENCE)
            writer.close()

    await asyncio.gather(*(write(person) for person in people("97", 5)))


async def pictures(port: int, given: Sequence[str]) -> None:
    """The page of an agent, which loads pictures that never end."""
    cookie, *addresses = given

    async def load(address: str) -> None:
        await send(port, f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n", 0, b"x")

    await asyncio.gather(*(load(address) for address in addresses))


async def unsigned(port: int, given: Sequence[str]) -> None:
    """Four deliveries at once that Meta never sent."""
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Hub-Signature-256: sha256={'0' * 64}\r\n"
    await asyncio.gather(*(send(port, head, 95 * MB, b"x" * 1000) for _ in range(4)))


ATTACKS: Dict[str, Callable[[int, Sequence[str]], Awaitable[None]]] = {
    each.__name__: each for each in (fields, forms, parts, name, letters, pictures, unsigned)
}

if __name__ == "__main__":
    asyncio.run(ATTACKS[sys.argv[1]](int(sys.argv[2]), sys.argv[3:]))  # type: ignore[arg-type]
