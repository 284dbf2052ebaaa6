"""Whatever a relay does, one send ends as sent, retry, failed, unknown or lost, and rightly so."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from offers.channels.smtp import Outcome, Timeouts, parse, transmit
from tests.offers.channels.relay import DROP, SILENCE, ScriptedRelay

HASTY = Timeouts(connect=0.4, command=0.4, prelude=1.2, body=0.5, verdict=0.4)
MAIL = b"From: a@kept.example\r\nSubject: Offer\r\n\r\nHello\r\n"
SENDER = "bounces+k1@kept.example"
GARBAGE = b"\x00\xffMEOW\r\n"


def send(url: str, message: bytes = MAIL, **options: object) -> Outcome:
    given: dict[str, object] = {
        "url": url,
        "envelope_from": SENDER,
        "recipient": "dupont@mail.example",
        "message": message,
        "before_body": lambda: True,
        "timeouts": HASTY,
    }
    return transmit(**{**given, **options})  # type: ignore[arg-type]


def against(script: dict[str, bytes], **options: object) -> Outcome:
    with ScriptedRelay(script) as relay:
        return send(relay.url, **options)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_an_accepted_mail_is_sent_and_the_reply_is_kept_whole() -> None:
    assert against({}) == Outcome("sent", 250, "2.0.0", "250 2.0.0 Ok: queued as 4F2A1", "verdict")


def test_every_line_of_a_long_reply_is_kept() -> None:
    outcome = against({"verdict": b"250-2.6.0 first\r\n250-second\r\n250 third\r\n"})
    assert outcome.reply == "250-2.6.0 first\n250-second\n250 third"
    assert outcome.status == "2.6.0"


@pytest.mark.parametrize("stage", ["greeting", "MAIL", "RCPT", "DATA", "verdict"])
@pytest.mark.parametrize(
    ("reply", "kind", "status"),
    [
        (b"451 4.3.0 try later\r\n", "retry", "4.3.0"),
        (b"550 5.1.1 no such user\r\n", "failed", "5.1.1"),
    ],
)
def test_a_complete_refusal_decides_at_every_stage(
    stage: str, reply: bytes, kind: str, status: str
) -> None:
    outcome = against({stage: reply})
    assert (outcome.kind, outcome.status, outcome.stage) == (kind, status, stage.lower())
    assert (outcome.code, outcome.reply) == (int(reply[:3]), reply.decode().strip())


@pytest.mark.parametrize("trouble", [DROP, SILENCE, GARBAGE, b"250 half a li", b"999 what\r\n"])
@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_trouble_before_the_body_is_tried_again(stage: str, trouble: bytes) -> None:
    script = {stage: trouble}
    if trouble.startswith(b"250"):
        script["QUIT"] = script["HELO"] = SILENCE
    asked: list[int] = []
    outcome = against(script, before_body=lambda: bool(asked.append(1)) or True)
    assert (outcome.kind, outcome.code) == ("retry", None)
    assert asked == []
    assert outcome.reply


@pytest.mark.parametrize(
    "trouble",
    [
        DROP,
        SILENCE,
        GARBAGE,
        b"250 half a li",
        b"250-2.0.0 more to co\r\n",
        b"250-one\r\n451 other\r\n",
        b"354 go on\r\n",
        b"25\r\n",
    ],
)
def test_anything_but_a_complete_reply_after_the_dot_is_unknown(trouble: bytes) -> None:
    outcome = against({"verdict": trouble})
    assert (outcome.kind, outcome.stage) == ("unknown", "verdict")


def test_a_connection_cut_inside_the_body_is_unknown() -> None:
    with ScriptedRelay(drop_in_body=2000) as relay:
        outcome = send(relay.url, b"Subject: x\r\n\r\n" + b"many words\r\n" * 1_000_000)
    assert outcome.kind == "unknown"


def test_nobody_listening_is_tried_again() -> None:
    outcome = send(f"smtp://127.0.0.1:{closed_port()}")
    assert (outcome.kind, outcome.stage) == ("retry", "connect")


def test_a_name_that_does_not_exist_is_tried_again() -> None:
    assert send("smtp://relay.invalid:25").kind == "retry"
    assert send(f"smtp://{'x' * 70}.example:25").kind == "retry"


def test_a_lost_claim_sends_nothing_of_the_body() -> None:
    with ScriptedRelay() as relay:
        outcome = send(relay.url, before_body=lambda: False)
        relay.thread.join(2)
    assert outcome.kind == "lost"
    assert relay.body == b""
    assert not any(line.startswith(b"QUIT") for line in relay.commands)


def test_the_claim_is_checked_after_354_and_before_the_body() -> None:
    seen: list[bytes] = []
    with ScriptedRelay() as relay:

        def before_body() -> bool:
            seen.extend([*relay.commands[-1:], relay.body])
            return True

        assert send(relay.url, before_body=before_body).kind == "sent"
    assert seen == [b"DATA\r\n", b""]


def test_trouble_of_the_claim_itself_goes_through_and_sends_nothing() -> None:
    def before_body() -> bool:
        raise LookupError("database")

    with ScriptedRelay() as relay:
        with pytest.raises(LookupError):
            send(relay.url, before_body=before_body)
        relay.thread.join(2)
    assert relay.body == b""


@pytest.mark.parametrize(
    ("early", "kind"), [(b"250 2.0.0 queued\r\n", "retry"), (b"550 no\r\n", "retry")]
)
def test_a_verdict_given_before_the_body_is_no_verdict(early: bytes, kind: str) -> None:
    outcome = against({"DATA": b"354 go\r\n" + early, "verdict": SILENCE})
    assert (outcome.kind, outcome.stage) == (kind, "data")


def test_a_reply_said_too_early_never_answers_the_next_command() -> None:
    outcome = against({"MAIL": b"250 ok\r\n250 ok too\r\n", "RCPT": b"550 5.1.1 no\r\n"})
    assert (outcome.kind, outcome.stage) == ("retry", "rcpt")


def test_a_refusal_in_the_middle_of_the_body_decides_and_an_acceptance_does_not() -> None:
    words = b"Subject: x\r\n\r\n" + b"many words\r\n" * 1_000_000
    for reply, kind in ((b"552 5.3.4 too big\r\n", "failed"), (b"250 fine\r\n", "unknown")):
        with ScriptedRelay() as relay:
            relay._read_body = lambda stream: bool(stream.readline())  # type: ignore[method-assign]
            relay.script["verdict"] = reply
            assert send(relay.url, words).kind == kind


def test_dots_are_doubled_and_line_ends_are_crlf() -> None:
    with ScriptedRelay() as relay:
        outcome = send(relay.url, b"Subject: x\n\n.\n..two\r.\r\nlast\n.\r\nMAIL FROM:<x@y>")
    assert outcome.kind == "sent"
    assert relay.body == (
        b"Subject: x\r\n\r\n..\r\n...two\r\n..\r\nlast\r\n..\r\nMAIL FROM:<x@y>\r\n"
    )


def test_delivery_reports_are_asked_for_where_the_server_offers_them() -> None:
    with ScriptedRelay() as relay:
        send(relay.url, envelope_id="d=1+2")
    mail, rcpt = relay.commands[1:3]
    assert b" RET=HDRS ENVID=d+3D1+2B2" in mail
    assert rcpt == (
        b"RCPT TO:<dupont@mail.example> NOTIFY=SUCCESS,FAILURE,DELAY"
        b" ORCPT=rfc822;dupont@mail.example\r\n"
    )


def test_a_plain_server_is_asked_for_nothing_it_does_not_offer() -> None:
    with ScriptedRelay({"EHLO": b"502 5.5.1 what\r\n"}) as relay:
        assert send(relay.url, envelope_id="d1").kind == "sent"
    assert relay.commands[1:4] == [
        b"helo kept.example\r\n",
        b"MAIL FROM:<bounces+k1@kept.example>\r\n",
        b"RCPT TO:<dupont@mail.example>\r\n",
    ]


def test_an_address_in_other_letters_needs_smtputf8() -> None:
    with ScriptedRelay() as relay:
        assert send(relay.url, recipient="éva@bücher.example").kind == "sent"
    assert b"SMTPUTF8" in relay.commands[1]
    assert "RCPT TO:<éva@xn--bcher-kva.example>".encode() in relay.commands[2]
    refused = against({"EHLO": b"250 relay.example\r\n"}, recipient="éva@mail.example")
    assert (refused.kind, refused.status, refused.code) == ("failed", "5.6.7", None)


def test_text_in_eight_bits_is_announced() -> None:
    with ScriptedRelay() as relay:
        send(relay.url, "Subject: x\r\n\r\né\r\n".encode())
    assert b"BODY=8BITMIME" in relay.commands[1]


@pytest.mark.parametrize(
    "address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "nobody", "@x.example", ""]
)
def test_an_address_that_would_break_the_command_never_reaches_the_wire(address: str) -> None:
    with ScriptedRelay() as relay:
        outcome = send(relay.url, recipient=address)
    assert (outcome.kind, outcome.stage) == ("failed", "address")
    assert relay.commands == []


def test_a_server_that_drips_bytes_meets_the_same_limit() -> None:
    with ScriptedRelay({"greeting": b""}) as relay:

        def drip(conn: socket.socket) -> None:
            while not relay.over.wait(0.1):
                conn.sendall(b"2")

        relay._talk = drip  # type: ignore[method-assign]
        outcome = send(relay.url)
    assert (outcome.kind, outcome.stage) == ("retry", "greeting")


def test_a_reply_without_end_is_garbage() -> None:
    assert against({"verdict": b"250-" + b"x" * 200_000}).kind == "unknown"
    assert against({"verdict": b"250-x\r\n" * 50_000}).kind == "unknown"


def test_a_wrong_password_is_a_refusal_at_the_stage_auth() -> None:
    script = {"EHLO": b"250-r\r\n250 AUTH PLAIN\r\n", "AUTH": b"535 5.7.8 no\r\n"}
    with ScriptedRelay(script) as relay:
        url = relay.url.replace("//", "//user%40x:p%2Fw@")
        outcome = send(url)
    assert (outcome.kind, outcome.code, outcome.stage) == ("failed", 535, "auth")


def test_starttls_that_is_not_offered_is_never_skipped() -> None:
    with ScriptedRelay({"STARTTLS": b"454 4.7.0 not now\r\n"}) as relay:
        outcome = send(relay.url + "?starttls=1")
    assert (outcome.kind, outcome.stage) == ("retry", "starttls")
    assert not any(line.startswith(b"MAIL") for line in relay.commands)


def test_words_slipped_in_before_the_handshake_are_not_believed() -> None:
    outcome = against({"STARTTLS": b"220 go\r\n250 injected\r\n"})
    assert outcome.kind == "sent"
    with ScriptedRelay({"STARTTLS": b"220 go\r\n250 injected\r\n"}) as relay:
        outcome = send(relay.url + "?starttls=1")
    assert (outcome.kind, outcome.stage) == ("retry", "starttls")


def test_a_server_that_cannot_do_tls_is_tried_again() -> None:
    with ScriptedRelay() as relay:
        assert send(relay.url.replace("smtp:", "smtps:")).kind == "retry"


def test_no_reply_can_carry_a_byte_that_the_database_refuses() -> None:
    outcome = against({"verdict": b"550 5.7.1 no\x00\xff way\r\n"})
    assert "\x00" not in outcome.reply
    outcome.reply.encode()


def test_all_limits_together_stay_below_the_lease() -> None:
    normal = Timeouts()
    assert normal.prelude + normal.body + normal.verdict < 120
    with pytest.raises(ValueError, match="120"):
        Timeouts(verdict=90)


def test_a_mail_server_is_given_as_a_url() -> None:
    assert parse("smtps://u:p%40w@mail.example").port == 465
    assert parse("smtps://u:p%40w@mail.example").password == "p@w"
    assert parse("smtp://[::1]:2525?starttls=1").tls == "starttls"
    assert parse("smtp://mail.example").port == 25
    for nonsense in ("http://x", "smtp://", "mail.example:25", "smtp://x:notaport"):
        with pytest.raises(ValueError):
            parse(nonsense)


def certificate() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server on 127.0.0.1 and a client that trusts it; the key protects nothing but this test."""
    file = Path(__file__).with_name("relay.pem")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


def test_mail_goes_through_starttls_to_a_trusted_server_only() -> None:
    server, trusting = certificate()
    words = b"Subject: x\r\n\r\n" + b"many words\r\n" * 50_000
    with ScriptedRelay({"STARTTLS": b"220 go\r\n"}, tls=server) as relay:
        patient = Timeouts(connect=5, command=5, prelude=15, body=20, verdict=20)
        outcome = send(relay.url + "?starttls=1", words, tls=trusting, timeouts=patient)
        assert outcome.kind == "sent"
        relay.thread.join(20)
    assert relay.body == words
    with ScriptedRelay({"STARTTLS": b"220 go\r\n"}, tls=server) as relay:
        outcome = send(relay.url + "?starttls=1")
    assert (outcome.kind, outcome.stage) == ("retry", "starttls")
    assert "certificate" in outcome.reply.lower()


def test_a_cut_after_the_dot_is_unknown_through_tls_too() -> None:
    server, trusting = certificate()
    with ScriptedRelay({"STARTTLS": b"220 go\r\n", "verdict": DROP}, tls=server) as relay:
        assert send(relay.url + "?starttls=1", tls=trusting).kind == "unknown"
