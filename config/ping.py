"""A GET to the monitor outside: to the address of the settings alone, within seconds, following
nobody."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from typing import Any

SECONDS = 5.0


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other that is no yes."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def get(url: str, *, tls: ssl.SSLContext | None = None) -> str:
    """Asks once, through the machine's proxy if it has one; empty when all went well, else why not.

    Raises nothing. The address may hold a secret, and is not repeated in the reason.
    """
    https = urllib.request.HTTPSHandler(context=tls or ssl.create_default_context())
    opener = urllib.request.build_opener(_Stay, https)
    request = urllib.request.Request(url, headers={"User-Agent": "Kept"})  # noqa: S310  https only
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
        return type(reason).__name__ if isinstance(reason, Exception) else "URLError"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return type(error).__name__
