"""From the draft to readers: what is still missing, asking for review, answering, publishing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput, StaleWrite
from incidents.actions.publication import NOTE_LIMIT, publish_postmortem
from incidents.actions.review import ask_for_review, give_verdict, withdraw_from_review
from incidents.history import section_authors
from incidents.models import PostMortem, Review
from incidents.models.postmortem import BODY_LIMIT
from incidents.readiness import lacking, quality_of, reviews_of
from incidents.views.access import deed, permitted, person, visible_postmortem

REVIEWERS_SHOWN = 200


def review_context(request: HttpRequest, row: PostMortem) -> dict[str, Any]:
    """What the bar under the editor needs: who was asked, whom one may ask, which version comes next."""
    required = {one.pk for one in row.incident.severity.required_reviewers.all()}
    return {
        "reviews": reviews_of(row),
        "people": User.objects.choosable().exclude(pk=person(request).pk)[:REVIEWERS_SHOWN],
        "required": required,
        "last": row.publications.first(),
        "note_limit": NOTE_LIMIT,
        "touched": [{"title": one.title, "by": one.by, "at": one.at.isoformat()} for one in section_authors(row)],
    }


@require_POST
@permitted
def postmortem_quality(request: HttpRequest, number: int) -> HttpResponse:
    """The hints for the text that the editor holds."""
    require_respond(request.user)
    row = visible_postmortem(request, number)
    # Forms send CR LF, and the places are counted in the text as it is.
    body = request.POST.get("body", row.body).replace("\r\n", "\n")[:BODY_LIMIT]
    found = quality_of(row, body)
    required = row.incident.severity.required_checks
    unmet = sum(not one.is_met for one in found)
    context = {"hints": found, "unmet": unmet, "required_checks": required, "in_editor": True}
    return render(request, "incidents/_quality.html", context)


@require_POST
@permitted
def postmortem_review(request: HttpRequest, number: int) -> HttpResponse:
    row = visible_postmortem(request, number)
    chosen = [pk for pk in request.POST.getlist("reviewers") if pk.isascii() and pk.isdigit() and len(pk) < 10]
    reviewers = list(User.objects.choosable().filter(pk__in=chosen))
    return deed(
        request,
        lambda: ask_for_review(postmortem=row, reviewers=reviewers, by=person(request), now=timezone.now()),
        done="Asked for review.",
        to=reverse("postmortem-edit", args=[number]),
    )


@require_POST
@permitted
def postmortem_withdraw(request: HttpRequest, number: int) -> HttpResponse:
    row = visible_postmortem(request, number)
    return deed(
        request,
        lambda: withdraw_from_review(postmortem=row, by=person(request), now=timezone.now()),
        done="Withdrawn from review.",
        to=reverse("postmortem-edit", args=[number]),
    )


@require_POST
@permitted
def postmortem_verdict(request: HttpRequest, number: int) -> HttpResponse:
    row = visible_postmortem(request, number)
    verdict, comment = request.POST.get("verdict", ""), request.POST.get("comment", "")
    said_so = "Approved." if verdict == Review.Verdict.APPROVED else "Your wish for changes is noted."
    return deed(
        request,
        lambda: give_verdict(postmortem=row, verdict=verdict, comment=comment, by=person(request), now=timezone.now()),
        done=said_so,
        to=row.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@permitted
def postmortem_publish(request: HttpRequest, number: int) -> HttpResponse:
    """The page says what is missing; what was typed comes back with it."""
    require_respond(request.user)
    row = visible_postmortem(request, number)
    if request.method == "GET":
        return _publish_page(request, row, lacking(row))
    version = request.POST.get("version", "")
    try:
        publish_postmortem(
            postmortem=row,
            by=person(request),
            now=timezone.now(),
            # Anything but a number is never the current version, so that nobody publishes what they did not see.
            based_on=int(version) if version.isascii() and version.isdigit() and len(version) < 18 else -1,
            note=request.POST.get("note", ""),
        )
    except StaleWrite:
        messages.error(request, "Not published: the text was changed in the meantime. Read it once more, then publish.")
        return redirect("postmortem-edit", number)
    except InvalidInput as problem:
        return _publish_page(request, row, problem.errors, status=422)
    messages.success(request, "Published.")
    return redirect(row)


def _publish_page(request: HttpRequest, row: PostMortem, errors: dict[str, str], *, status: int = 200) -> HttpResponse:
    current = PostMortem.objects.get(pk=row.pk)
    context = {
        "postmortem": current,
        "incident": row.incident,
        "errors": errors,
        "note": request.POST.get("note", "")[: 10 * NOTE_LIMIT],
        "note_limit": NOTE_LIMIT,
        "last": row.publications.first(),
        "hints": (found := quality_of(row)),
        "unmet": sum(not one.is_met for one in found),
        "required_checks": row.incident.severity.required_checks,
        "reviews": reviews_of(row),
    }
    return render(request, "incidents/postmortem_publish.html", context, status=status)
