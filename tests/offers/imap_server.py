"""A small IMAP server on loopback (RFC 3501, as much of it as a reader of one mailbox uses)."""

from __future__ import annotations

import re
import socketserver
import threading
from dataclasses import dataclass, field


@dataclass
class Stored:
    """A message and its marks."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.say(b"* OK ready")
        for line in self.rfile:
            tag, command, rest = [*line.decode().strip().split(" ", 2), "", ""][:3]
            act = getattr(self, f"do_{command.lower()}", None)
            self.server.heard.append(f"{command} {rest}".strip())
            if act is None:
                self.say(f"{tag} BAD unknown".encode())
            elif self.server.refuses and re.search(self.server.refuses, f"{command} {rest}"):
                self.say(f"{tag} NO not now".encode())
            else:
                act(rest)
                self.say(f"{tag} OK done".encode())
            if command.lower() == "logout":
                return

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def do_capability(self, rest: str) -> None:
        self.say(b"* CAPABILITY IMAP4rev1")

    def do_login(self, rest: str) -> None:
        if rest != f'"{self.server.user}" "{self.server.password}"' and rest != (
            f'{self.server.user} "{self.server.password}"'
        ):
            self.server.refuses = "."
            raise ConnectionError("wrong password")

    def do_select(self, rest: str) -> None:
        own = b" \\*" if self.server.keeps_marks else b""
        self.say(f"* {len(self.server.mails)} EXISTS".encode())
        self.say(b"* FLAGS (\\Seen \\Deleted)")
        self.say(b"* OK [PERMANENTFLAGS (\\Seen \\Deleted" + own + b")] limited")
        self.say(b"* OK [UIDVALIDITY 1] valid")

    def do_logout(self, rest: str) -> None:
        self.say(b"* BYE")

    def do_uid(self, rest: str) -> None:
        verb, _, rest = rest.partition(" ")
        getattr(self, f"uid_{verb.lower()}")(rest)

    def uid_search(self, rest: str) -> None:
        unwanted = {"\\Deleted"}
        words = rest.split()
        if "UNSEEN" in words:
            unwanted.add("\\Seen")
        if "UNKEYWORD" in words:
            unwanted.add(words[words.index("UNKEYWORD") + 1])
        uids = [str(m.uid) for m in self.server.mails if not m.flags & unwanted]
        self.say(f"* SEARCH {' '.join(uids)}".strip().encode())

    def uid_fetch(self, rest: str) -> None:
        uid, _, _items = rest.partition(" ")
        for number, mail in enumerate(self.server.mails, start=1):
            if str(mail.uid) == uid:
                head = f"* {number} FETCH (UID {uid} BODY[]<0> {{{len(mail.raw)}}}\r\n".encode()
                self.wfile.write(head + mail.raw + b")\r\n")

    def uid_store(self, rest: str) -> None:
        uid, _, flags = rest.split(" ", 2)
        for mail in self.server.mails:
            if str(mail.uid) == uid:
                mail.flags |= set(flags.strip("()").split())


class Mailbox(socketserver.ThreadingTCPServer):
    """One mailbox of one user. `refuses` is a pattern of commands that are answered NO."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, *, keeps_marks: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.keeps_marks = keeps_marks
        self.user, self.password = "bounce@kept.example", "geheim%:/"
        self.mails: list[Stored] = []
        self.heard: list[str] = []
        self.refuses = ""
        self.thread = threading.Thread(target=self.serve_forever, args=[0.05], daemon=True)

    def put(self, raw: bytes) -> Stored:
        mail = Stored(len(self.mails) + 1, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        self.mails.append(mail)
        return mail

    @property
    def url(self) -> str:
        port = self.server_address[1]
        return f"imap://bounce%40kept.example:geheim%25%3A%2F@127.0.0.1:{port}/INBOX"

    def handle_error(self, request: object, client_address: object) -> None:
        """A session that broke is the test's doing."""

    def __enter__(self) -> Mailbox:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.shutdown()
        self.server_close()
