"""Health, for load balancers and monitors: is it up, and may it be trusted?"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from config import clock
from config.problems import Problem, respond
from followups import watchdog


@login_not_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks nobody, so a sick database does not restart the web."""
    return JsonResponse({"live": True})


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Every sweep has a fresh heartbeat; 503 names the late ones."""
    found = watchdog.ready(at=clock.now())
    if found["ready"]:
        return JsonResponse(found)
    return respond(Problem("unavailable", more=found))
