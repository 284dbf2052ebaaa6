"""The rows of the board as a file."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from config import clock
from crm.actors import Actor
from crm.views import reader
from followups.board import exports, lists
from followups.views import boards

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """Everything that is filtered, as CSV or XLSX; who took it stands in the audit."""
    at, (wanted, shown) = clock.now(), boards.asked_for(request)
    if shown not in lists.LISTS or form not in ("csv", "xlsx"):
        raise Http404
    by = Actor.person(reader(request))
    exports.note(form=form, shown=shown, wanted=wanted, by=by, at=at)
    rows = lists.every(shown, wanted=wanted, at=at)
    name = f"kept-{shown}-{at:%Y-%m-%d}.{form}"
    if form == "xlsx":
        return FileResponse(
            exports.as_xlsx(rows), content_type=XLSX, filename=name, as_attachment=True
        )
    answer = StreamingHttpResponse(exports.as_csv(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
