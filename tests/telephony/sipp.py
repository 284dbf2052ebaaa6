"""SIPp: scenarios from a few steps, and what went over the wire, read back from its trace."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from config.lineup import LOOPBACK
from config.processes import Process
from tests.telephony.programs import Programs

TRACED = re.compile(
    r"^-{20,} [^\n]*\nUDP message (sent|received)[^\n]*\n\n(.*?)(?=^-{20,} |\Z)", re.M | re.S
)
SCENARIO = '<?xml version="1.0"?>\n<scenario name="{name}">\n{steps}\n</scenario>\n'
ME = "[local_ip]:[local_port]"
FROM_TO = f"""From: <sip:dialer@{ME}>;tag=[pid]d
To: <sip:somebody@{LOOPBACK}>{{to}}
Call-ID: [call_id]
CSeq: {{cseq}} {{method}}
"""


@dataclass(frozen=True)
class Message:
    """One SIP message as it was on the wire."""

    text: str
    sent: bool

    @property
    def first(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def method(self) -> str:
        """Of a request; "SIP/2.0" for an answer."""
        return self.first.partition(" ")[0]

    @property
    def uri(self) -> str:
        return self.first.split(" ")[1]

    def all(self, name: str) -> list[str]:
        found = re.findall(rf"^{re.escape(name)}:[ \t]*(.*)$", self.text, re.M | re.I)
        return [value.strip() for value in found]

    def get(self, name: str) -> str:
        """The only header of that name; empty without one."""
        found = self.all(name)
        assert len(found) < 2, found
        return found[0] if found else ""


def messages(trace: Path) -> list[Message]:
    text = trace.read_text(encoding="utf-8", errors="replace") if trace.exists() else ""
    found = TRACED.findall(text.replace("\r", ""))
    return [Message(text=body.strip() + "\n", sent=way == "sent") for way, body in found]


# --- steps of a scenario ----------------------------------------------------------------------


def _send(text: str, *, again: bool = True) -> str:
    retrans = ' retrans="500"' if again else ""
    return f"<send{retrans}><![CDATA[\n\n{text.strip()}\nContent-Length: 0\n\n]]></send>"


def request(
    method: str,
    uri: str = "[next_url]",
    *headers: str,
    cseq: int = 1,
    to: str = "[peer_tag_param]",
    branch: str = "",
) -> str:
    """Any request of the dialer. A CANCEL and the ACK of a refusal share their INVITE's branch."""
    mark = branch or f"{method.lower()}{cseq}"
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {ME};branch=z9hG4bK-[pid]-{mark}",
        FROM_TO.format(to=to, cseq=cseq, method=method).strip(),
        *headers,
        f"Contact: <sip:dialer@{ME}>",
        "Max-Forwards: 70",
    ]
    return _send("\n".join(lines), again=method != "ACK")


def invite(uri: str, *headers: str, to: str = "") -> str:
    return request("INVITE", uri, *headers, to=to)


def again(uri: str) -> str:
    """A re-INVITE in the call."""
    return request("INVITE", uri, "[routes]", cseq=2)


def ack(*, cseq: int = 1) -> str:
    return request("ACK", "[next_url]", "[routes]", cseq=cseq)


def ack_of_refusal(uri: str, *, to: str = "[peer_tag_param]") -> str:
    return request("ACK", uri, to=to, branch="invite1")


def bye(*, cseq: int = 9) -> str:
    return request("BYE", "[next_url]", "[routes]", cseq=cseq) + receive(200)


def hung_up() -> str:
    """The other side ends the call."""
    return f'<recv request="BYE"/>{_ok()}'


def receive(code: int) -> str:
    """The answer that must come; ringing before it is welcome."""
    early = "".join(f'<recv response="{n}" optional="true"/>' for n in (100, 180) if n != code)
    return f'{early}<recv response="{code}" rrs="true"/>'


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def _answer(line: str, *, via: str = "[last_Via:]", cseq: str = "[last_CSeq:]") -> str:
    return _send(
        f"SIP/2.0 {line}\n{via}\n[last_From:]\n[last_To:];tag=[pid]c\n[last_Call-ID:]\n{cseq}\n"
        f"[last_Record-Route:]\nContact: <sip:carrier@{ME}>",
        again=False,
    )


def _ok() -> str:
    """To a request inside the call, which names both tags already."""
    return _send(
        "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
        f"[last_Record-Route:]\nContact: <sip:carrier@{ME}>",
        again=False,
    )


INVITED = '<recv request="INVITE" rrs="true"/>'


def _invited_keeping(header: str) -> str:
    """Takes the INVITE and keeps what stands in a header of it, for `[$kept]`."""
    ereg = f'<ereg regexp=".*" search_in="hdr" header="{header}" assign_to="kept"/>'
    return f'<recv request="INVITE" rrs="true"><action>{ereg}</action></recv>'


def _hang_up() -> str:
    """The carrier's side ends the call."""
    return _send(
        f"BYE [next_url] SIP/2.0\nVia: SIP/2.0/UDP {ME};branch=[branch]\n"
        f"From: <sip:somebody@{LOOPBACK}>;tag=[pid]c\nTo:[$kept]\nCall-ID: [call_id]\n"
        "CSeq: 7 BYE\n[routes]\nMax-Forwards: 70"
    )


ACKED = '<recv request="ACK"/>'
ENDED = hung_up()
RINGING = _answer("180 Ringing")
CARRIERS = {
    "answers": [INVITED, RINGING, _answer("200 OK"), ACKED, ENDED],
    "talks": [INVITED, _answer("200 OK"), ACKED, INVITED, _ok(), ACKED, ENDED],
    "hangs up": [
        _invited_keeping("From:"),
        _answer("200 OK"),
        ACKED,
        _hang_up(),
        '<recv response="200"/>',
    ],
    "busy": [INVITED, RINGING, _answer("486 Busy Here"), ACKED],
    "rings": [
        _invited_keeping("Via:"),
        RINGING,
        '<recv request="CANCEL"/>',
        _ok(),
        _answer("487 Request Terminated", via="Via:[$kept]", cseq="CSeq: 1 INVITE"),
        ACKED,
    ],
}


# --- both ends --------------------------------------------------------------------------------


@dataclass
class Ends:
    """SIPp on both sides of the proxy; everything it writes lies in `folder`."""

    programs: Programs
    folder: Path
    proxy_port: int
    carrier_port: int
    counter: int = 0

    def dial(self, *steps: str, limit: int = 12) -> list[Message]:
        """Plays the dialer once. Fails when the proxy answered otherwise than the steps expect."""
        name = self._name("dialer")
        script = self._written(name, steps)
        command = [
            *self._sipp(script, name, free_udp_port()),
            *("-m", "1", "-timeout", f"{limit}s", "-timeout_error", "-recv_timeout", "9000"),
            f"{LOOPBACK}:{self.proxy_port}",
        ]
        played = subprocess.run(
            command, env=self.programs.env, capture_output=True, text=True, check=False
        )
        seen = messages(self.folder / f"{name}.trace")
        story = "\n".join(message.text for message in seen)
        assert played.returncode == 0, f"{story}\n{played.stderr[-2000:]}"
        return seen

    def carrier(self, manner: str) -> Carrier:
        name = self._name(manner.replace(" ", "-"))
        script = self._written(name, CARRIERS[manner])
        command = self._sipp(script, name, self.carrier_port)
        process = Process(name, command, env=self.programs.env)
        process.start()
        wait_for_udp(self.carrier_port)
        return Carrier(process, self.folder / f"{name}.trace")

    def _sipp(self, script: Path, name: str, port: int) -> list[str]:
        trace = self.folder / f"{name}.trace"
        where = ["-i", LOOPBACK, "-p", str(port), "-nostdin"]
        return [
            *(self.programs.sipp, "-sf", str(script), *where),
            *("-trace_msg", "-message_file", str(trace)),
        ]

    def _name(self, what: str) -> str:
        self.counter += 1
        return f"{self.counter:03d}-{what}"

    def _written(self, name: str, steps: list[str] | tuple[str, ...]) -> Path:
        path = self.folder / f"{name}.xml"
        path.write_text(SCENARIO.format(name=name, steps="\n".join(steps)))
        return path


@dataclass
class Carrier:
    """The other side: whatever reaches it is a call that left the house."""

    process: Process
    trace: Path

    def __enter__(self) -> Carrier:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def received(self, method: str = "INVITE") -> list[Message]:
        return [m for m in messages(self.trace) if not m.sent and m.method == method]


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_for_udp(port: int, limit: float = 10) -> None:
    """Until somebody listens there."""
    end = time.monotonic() + limit
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                return
        assert time.monotonic() < end, f"nobody listens on {port}"
        time.sleep(0.02)
