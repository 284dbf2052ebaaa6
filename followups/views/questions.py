"""What a campaign asks: read by who sees campaigns, set by operations."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from config import clock
from crm import access, campaign_counts, questions
from crm.actors import Actor
from crm.models import Campaign, Question
from crm.views import reader
from followups.forms_question import QuestionForm


def _campaign(request: HttpRequest, slug: str, action: str) -> Campaign:
    user = reader(request)
    access.require(user, action)
    found: Campaign = get_object_or_404(campaign_counts.campaigns(user), slug=slug)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def listed(request: HttpRequest, slug: str) -> HttpResponse:
    """The questions of a campaign; a POST adds one."""
    adds = request.method == "POST"
    row = _campaign(request, slug, "work_campaigns" if adds else "see_campaigns")
    form = QuestionForm(request.POST or None)
    if adds and form.is_valid():
        by = Actor.person(reader(request))
        try:
            questions.add(campaign=row, **form.cleaned_data, by=by, at=clock.now())
            return redirect("questions", slug=slug)
        except questions.Refused as refusal:
            form.add_error(refusal.field, str(refusal))
    words = {
        "campaign": row,
        "form": form,
        "questions": questions.of(Campaign.objects.filter(pk=row.pk)),
    }
    return render(request, "followups/questions.html", words, status=422 if adds else 200)


@require_POST
def retire(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Nobody is asked it any more."""
    row = _campaign(request, slug, "work_campaigns")
    question = get_object_or_404(Question, pk=pk, campaign=row)
    questions.retire(question=question, by=Actor.person(reader(request)), at=clock.now())
    return redirect("questions", slug=slug)
