"""The line between the workers and the mail server: it drags, it breaks, it swallows the answer."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from config.lineup import LOOPBACK

ACCIDENTS = ("refused", "cut_in_body", "cut_before_reply")
DOT = b"\r\n.\r\n"


@dataclass
class Weather:
    """The share of conversations that meet each accident, from 0 to 1; the rest is plain."""

    shares: dict[str, float] = field(default_factory=dict)

    def draw(self, rng: random.Random) -> str:
        left = rng.random()
        for name, share in self.shares.items():
            left -= share
            if left < 0:
                return name
        return "plain"


class Wire:
    """A TCP proxy in a thread. `slow` drags, `refused` closes at once, `cut_in_body` breaks in the
    middle of the mail, `cut_before_reply` after the server took it and before it could say so."""

    def __init__(self, *, upstream: int, seed: int) -> None:
        self.upstream = upstream
        self.port = 0
        self.weather = Weather()
        self.met: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._up.wait(10):
            raise RuntimeError("the line did not come up")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, LOOPBACK, 0))
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fate = self.weather.draw(self._rng)
        self.met[fate] += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if fate == "refused":
                writer.transport.abort()
                return
            there, out = await asyncio.open_connection(LOOPBACK, self.upstream)
            ears = asyncio.create_task(self._words_back(there, writer, fate))
            mouth = asyncio.create_task(self._words_out(reader, out, fate, writer))
            await asyncio.wait({ears, mouth}, return_when=asyncio.FIRST_COMPLETED)
            ears.cancel()
            mouth.cancel()
            out.close()
        writer.close()

    async def _words_out(
        self,
        reader: asyncio.StreamReader,
        out: asyncio.StreamWriter,
        fate: str,
        back: asyncio.StreamWriter,
    ) -> None:
        room, tail = self._rng.randint(600, 12_000), b""
        while data := await reader.read(4096):
            room -= len(data)
            if fate == "cut_in_body" and room < 0:
                back.transport.abort()
                out.transport.abort()
                return
            out.write(data)
            await out.drain()
            tail = (tail + data)[-len(DOT) :]
            if fate == "cut_before_reply" and tail == DOT:
                # Long enough for the server to take it; nobody hears what it says.
                await asyncio.sleep(0.1)
                back.transport.abort()
                return

    async def _words_back(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: str
    ) -> None:
        drag = self._rng.uniform(0.02, 0.08) if fate == "slow" else 0.0
        while data := await there.read(4096):
            await asyncio.sleep(drag)
            if fate == "cut_before_reply" and data.startswith((b"250 2.0.0", b"45", b"55")):
                writer.transport.abort()
                return
            writer.write(data)
            await writer.drain()
