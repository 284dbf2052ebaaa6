"""The HTTP API: which operations there are, and how all of them refuse."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger

from config import problems
from crm import api_customers
from crm.api import Key
from followups.api import amendments, call_events, calls, feed, gate, promises, scrub
from offers import api_evidence

VERSION = "1"
api = NinjaAPI(
    title="Kept",
    version=VERSION,
    urls_namespace="api",
    description=str(_("The gate, calls, promises. Refusals are problems (RFC 9457).")),
    docs=Swagger(settings={"deepLinking": True, "validatorUrl": None}),
    openapi_extra={"info": {"license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}},
)
for router in (
    gate.router,
    calls.router,
    call_events.router,
    promises.router,
    amendments.router,
    api_customers.router,
    api_evidence.router,
    scrub.router,
    feed.router,
):
    api.add_router("", router)


@api.get("/ping", auth=Key(), summary="Is my key valid?", openapi_extra=problems.DOCUMENTED)
def ping(request: HttpRequest) -> HttpResponse:
    """Does nothing but look at the key: the yardstick for what the other operations cost."""
    return HttpResponse(b'{"pong": true}', content_type="application/json")


def _refuse(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    problem = problems.of(error if isinstance(error, Exception) else error())
    match = request.resolver_match
    if problem.status >= 500 and match and match.url_name == gate.NAME:
        return gate.in_doubt(request, problem)
    return problems.respond(problem)


# ninja has answers of its own for its own errors, and prefers the nearest class.
for kind in (Exception, HttpError, ValidationError, problems.Http404):
    api.add_exception_handler(kind, _refuse)
