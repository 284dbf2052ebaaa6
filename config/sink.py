"""The mail server of the demo and of the tests: takes every mail, delivers none, forgets none.

What it did with a mail is in log.jsonl before it answers, so the log is the truth about what was
accepted, whoever died in between. A faults file makes it misbehave, the same way for a given seed.

    python -m config.sink --smtp 127.0.0.1:2525 --dir var/mail --faults var/faults.json
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import logging
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from config.sink_reports import complaint, dsn, returned

__all__ = ["SinkMail", "complaint", "dsn", "message", "messages", "running"]

log = logging.getLogger("kept.sink")

# What may go wrong, in the order in which the seeded draw tries them. In the faults file each has
# a share from 0 to 1, beside "seed" and "tarpit_seconds".
FAULTS = (
    "rcpt_4xx",
    "rcpt_5xx",
    "dot_4xx",
    "dot_5xx",
    "drop_after_dot",
    "drop_before_dot",
    "garbage",
    "tarpit",
)
REPLIES = {
    "rcpt_4xx": "450 4.2.1 The mailbox is busy, try again later",
    "rcpt_5xx": "550 5.1.1 User unknown",
    "dot_4xx": "451 4.3.0 Local error, try again later",
    "dot_5xx": "554 5.7.1 Message refused",
    "garbage": "\x07\x00 250 or so? ~~~",
    "drop_after_dot": "",
    "drop_before_dot": "",
}
REFUSED = {"rcpt_4xx", "rcpt_5xx", "dot_4xx", "dot_5xx", "drop_before_dot"}
DSN_PARAMETERS = ("RET=", "ENVID=", "NOTIFY=", "ORCPT=")
TARPIT_SECONDS = 5.0


@dataclass(frozen=True)
class SinkMail:
    """One accepted mail, as its line in the log tells it."""

    number: int
    subject: str
    to: str
    at: datetime
    message_id: str
    envelope_from: str
    envelope_to: str
    size: int


def messages(folder: str | Path) -> list[SinkMail]:
    """Every accepted mail, the newest first. A line torn by a kill is passed over."""
    found = [_mail(entry) for entry in entries(folder) if entry.get("accepted")]
    return found[::-1]


def message(folder: str | Path, number: int) -> bytes:
    """The mail as it arrived. Raises FileNotFoundError."""
    return (Path(folder) / f"{int(number)}.eml").read_bytes()


def entries(folder: str | Path) -> list[dict[str, Any]]:
    """The whole log, refusals and accidents too, the oldest first."""
    path = Path(folder) / "log.jsonl"
    found: list[dict[str, Any]] = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def _mail(entry: Mapping[str, Any]) -> SinkMail:
    return SinkMail(
        number=entry["number"],
        subject=entry["subject"],
        to=entry["to"],
        at=datetime.fromisoformat(entry["at"]),
        message_id=entry["message_id"],
        envelope_from=entry["envelope_from"],
        envelope_to=", ".join(entry["envelope_to"]),
        size=entry["size"],
    )


class Mailbox:
    """The folder of the sink: <number>.eml for what was accepted, a line of log for everything."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        numbers = [int(path.stem) for path in self.folder.glob("*.eml") if path.stem.isdigit()]
        self._last = max(numbers, default=0)
        self._log = self.folder / "log.jsonl"
        if self._log.exists() and not self._log.read_bytes().endswith(b"\n"):
            self._append(b"")  # after a kill in the middle of a line

    def record(self, envelope: Envelope, *, fault: str, reply: str, at: datetime) -> str:
        """Write down what happens to this mail; the reply that may now be given."""
        accepted = fault not in REFUSED
        content = bytes(envelope.original_content or b"")
        with self._lock:
            number = self._keep(content) if accepted else None
            entry = {
                "at": at.isoformat(),
                "number": number,
                "accepted": accepted,
                "fault": fault,
                "reply": reply.format(number=number),
                "envelope_from": envelope.mail_from,
                "envelope_to": list(envelope.rcpt_tos),
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                **_headers(content),
            }
            self._append(json.dumps(entry).encode())
        return str(entry["reply"])

    def _append(self, line: bytes) -> None:
        # Opened each time: a test may empty the folder while the sink runs.
        with self._log.open("ab", buffering=0) as file:
            file.write(line + b"\n")

    def _keep(self, content: bytes) -> int:
        """Whoever lists the folder sees a whole mail or none."""
        self._last += 1
        part = self.folder / f"{self._last}.part"
        part.write_bytes(content)
        part.rename(part.with_suffix(".eml"))
        return self._last


def _headers(content: bytes) -> dict[str, str]:
    mail = message_from_bytes(content.partition(b"\r\n\r\n")[0], policy=policy.default)
    names = {"message_id": "Message-ID", "subject": "Subject", "to": "To"}
    return {key: str(mail.get(name, "")).strip() for key, name in names.items()}


class Handler:
    """What aiosmtpd calls at each stage of a conversation."""

    def __init__(
        self, mailbox: Mailbox, faults: str | Path | None = None, bounces: str = ""
    ) -> None:
        self.mailbox = mailbox
        self.faults = Path(faults) if faults else None
        self.bounces = bounces.lower()  # the one address from which mail comes back
        self._attempts: Counter[tuple[str, str]] = Counter()

    async def handle_EHLO(
        self,
        server: SinkSMTP,
        session: Session,
        envelope: Envelope,
        name: str,
        answers: list[str],
    ) -> list[str]:
        session.host_name = name
        return [answers[0], "250-DSN", *answers[1:]]

    async def handle_RCPT(
        self,
        server: SinkSMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        plan = self._plan()
        fault = server.fault = self._fault(plan, envelope.mail_from or "", address)
        server.tarpit = float(plan.get("tarpit_seconds", TARPIT_SECONDS))
        if fault.startswith("rcpt_"):
            envelope.rcpt_tos.append(address)
            reply = self.record(envelope, fault, REPLIES[fault])
            envelope.rcpt_tos.remove(address)
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SinkSMTP, session: Session, envelope: Envelope) -> str:
        fault = server.fault
        reply = self.record(envelope, fault, REPLIES.get(fault, "250 2.0.0 Ok: queued as {number}"))
        if self.bounces in [address.lower() for address in envelope.rcpt_tos] and not fault:
            back = returned(envelope, at=datetime.now(UTC))
            self.record(back, "", "returned as {number}")
        if fault == "drop_after_dot":
            await server.hang_up()
        if fault == "tarpit":
            await asyncio.sleep(server.tarpit)
        return reply

    def record(self, envelope: Envelope, fault: str, reply: str) -> str:
        return self.mailbox.record(envelope, fault=fault, reply=reply, at=datetime.now(UTC))

    def _plan(self) -> dict[str, Any]:
        """Read for every mail, so that a test changes the weather without a restart."""
        try:
            plan = json.loads(self.faults.read_bytes()) if self.faults else {}
        except FileNotFoundError:
            return {}
        except ValueError:
            log.warning("the faults file is not JSON; no faults")
            return {}
        return plan if isinstance(plan, dict) else {}

    def _fault(self, plan: Mapping[str, Any], sender: str, recipient: str) -> str:
        """The n-th try of the same mail meets the same fault for the same seed, in whatever order
        the mails come."""
        self._attempts[sender, recipient] += 1
        key = f"{plan.get('seed', 0)} {sender} {recipient} {self._attempts[sender, recipient]}"
        draw = random.Random(key).random()  # noqa: S311 - a weather report, not a secret
        for name in FAULTS:
            draw -= float(plan.get(name, 0))
            if draw < 0:
                return name
        return ""


class SinkSMTP(SMTP):
    """aiosmtpd, which refuses the parameters of RFC 3461, with their names made known."""

    fault = ""
    tarpit = TARPIT_SECONDS

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        known: dict[str, str | bool] | None = super()._getparams(
            [param for param in params if not param.startswith(DSN_PARAMETERS)]
        )
        return known

    async def smtp_DATA(self, arg: str) -> None:
        if self.fault != "drop_before_dot" or self.envelope is None:
            await super().smtp_DATA(arg)
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        await self._reader.readuntil(b"\n")
        self.event_handler.record(self.envelope, self.fault, "")
        await self.hang_up()

    async def hang_up(self) -> None:
        self._writer.transport.abort()
        await asyncio.Event().wait()  # until the lost connection ends this conversation


async def serve(
    host: str,
    port: int,
    handler: Handler,
    *,
    started: Callable[[int], None],
    stop: asyncio.Event,
) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SinkSMTP(handler, enable_SMTPUTF8=True, hostname="sink.example", ident="sink"),
        host,
        port,
    )
    started(server.sockets[0].getsockname()[1])
    await stop.wait()
    server.close()


@contextlib.contextmanager
def running(
    folder: str | Path, *, port: int = 0, faults: str | Path | None = None, bounces: str = ""
) -> Iterator[str]:
    """A sink in a thread of this process, for a test; gives the URL to send to."""
    mailbox = Mailbox(folder)
    loop, stop, ready, ports = asyncio.new_event_loop(), asyncio.Event(), threading.Event(), [port]

    def started(bound: int) -> None:
        ports[0] = bound
        ready.set()

    work = serve("127.0.0.1", port, Handler(mailbox, faults, bounces), started=started, stop=stop)
    thread = threading.Thread(target=asyncio.Runner(loop_factory=lambda: loop).run, args=(work,))
    thread.start()
    try:
        if not ready.wait(10):
            raise RuntimeError("the sink did not start")
        yield f"smtp://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


async def _until_told(host: str, port: int, handler: Handler) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def started(bound: int) -> None:
        log.info("taking mail on %s:%d", host, bound)

    await serve(host, port, handler, started=started, stop=stop)


def main() -> None:
    parser = argparse.ArgumentParser(prog="config.sink", description="Takes mail, sends none.")
    parser.add_argument("--smtp", required=True, metavar="HOST:PORT")
    parser.add_argument("--dir", required=True, type=Path)
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--bounces", default="", metavar="ADDRESS", help="mail to it comes back")
    options = parser.parse_args()
    host, _, port = options.smtp.rpartition(":")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it writes addresses
    os.umask(0o077)
    mailbox = Mailbox(options.dir)
    handler = Handler(mailbox, options.faults, options.bounces)
    asyncio.run(_until_told(host.strip("[]"), int(port), handler))


if __name__ == "__main__":
    main()
