"""A mail provider over its HTTP interface: one message, and what is known when it ends badly.

The request is on its way once `begin` said yes. From then on only a complete answer decides; what
ends in silence may have left, and is never sent again on its own.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from email.utils import formataddr
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, TooManyRedirects
from urllib3.exceptions import NewConnectionError

from config import providers
from offers.channels.smtp import Kind, Outcome
from offers.channels.wire import words_of
from offers.message import Parts, unsubscribe_fields, wire_address

# The name under which every provider carries our delivery, and brings it back in its events.
METADATA = "delivery"
TRY_LATER = {408, 429, 503}
OUR_ACCOUNT = {401, 402, 403}
NOTHING_LEFT = (ConnectTimeout, NewConnectionError, ssl.SSLCertVerificationError)


class _Lost(Exception):
    """The claim was somebody else's when the request should have left."""


class _Border(HTTPAdapter):
    """The last place before the network: asks `begin`, once, before anything is sent."""

    def __init__(self, begin: Callable[[], bool]) -> None:
        super().__init__(max_retries=0)
        self.begin = begin
        self.crossed = False

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        if not self.begin():
            raise _Lost
        self.crossed = True
        return super().send(request, *args, **kwargs)


def transmit(*, mail: Parts, key: str, begin: Callable[[], bool]) -> Outcome:
    """Hands one message to the provider. Network trouble is an Outcome, never an exception."""
    try:
        wire_address(mail.to_address)
        message = _message(mail, key)
    except ValueError as error:
        return Outcome("failed", None, "5.1.3", str(error), "address")
    border = _Border(begin)
    backend: Any = get_connection(providers.backend(settings.ANYMAIL_ESP))
    backend.open()
    backend.session.max_redirects = 0
    for scheme in ("https://", "http://"):
        backend.session.mount(scheme, border)
    try:
        backend.send_messages([message])
    except _Lost:
        return Outcome("lost", None, None, "the claim was lost before the request", "data")
    except AnymailRecipientsRefused as error:
        return _refused(message, error)
    except AnymailAPIError as error:
        return _ended(error, crossed=border.crossed)
    except AnymailError as error:
        return Outcome("retry", None, None, words_of(error), "auth")
    finally:
        backend.close()
    taken = f"{settings.ANYMAIL_ESP} took it as {message.anymail_status.message_id}"
    return Outcome("sent", None, None, taken, "verdict")


def _message(mail: Parts, key: str) -> Any:
    fields = {"Message-ID": mail.message_id, **unsubscribe_fields(mail.unsubscribe)}
    if settings.ANYMAIL_ESP == "postmark":
        fields["X-PM-KeepID"] = "true"  # else Postmark writes a Message-ID of its own
    message: Any = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text,
        from_email=mail.mail_from,
        to=[formataddr((" ".join(mail.to_name.split()), mail.to_address))],
        reply_to=[mail.reply_to],
        headers=fields,
        attachments=[(name, content, media) for name, media, content in mail.attachments],
    )
    message.attach_alternative(mail.html, "text/html")
    message.metadata = {METADATA: key}
    return message


def _refused(message: Any, error: AnymailError) -> Outcome:
    """The provider will not carry it to this person: no address at all, or one on its own list."""
    known = message.anymail_status.recipients.values()
    invalid = any(recipient.status == "invalid" for recipient in known)
    status, stage = ("5.1.3", "address") if invalid else ("5.7.1", "policy")
    return Outcome("failed", None, status, words_of(error), stage)


def _ended(error: AnymailAPIError, *, crossed: bool) -> Outcome:
    """What an answer that is no yes means, or the want of one."""
    kind, stage = _meaning(error, crossed)
    return Outcome(kind, None, None, words_of(error), stage)


def _meaning(error: AnymailAPIError, crossed: bool) -> tuple[Kind, str]:
    code = error.status_code
    if code is None:
        reached = crossed and not any(isinstance(e, NOTHING_LEFT) for e in _causes(error))
        if isinstance(error, TooManyRedirects):
            return "retry", "auth"
        return ("unknown", "verdict") if reached else ("retry", "connect")
    if code in OUR_ACCOUNT or 300 <= code <= 399:
        return "retry", "auth"
    if code in TRY_LATER:
        return "retry", "data"
    return ("failed", "data") if 400 <= code <= 499 else ("unknown", "verdict")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what lies under it: requests and urllib3 wrap each other's."""
    while error is not None:
        yield error
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((e for e in inner if isinstance(e, BaseException)), None)
