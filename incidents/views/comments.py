"""Comments on a post-mortem: one panel for the editor, the reading page and a page of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import can_respond
from accounts.problems import InvalidInput
from incidents.actions import comment as actions
from incidents.models import PostMortem
from incidents.remarks import SHOWN, threads_of
from incidents.views.access import permitted, person, visible_postmortem

TYPED = ("text", "quote", "anchor", "occurrence", "replacement")


@require_http_methods(["GET", "POST"])
@permitted
def postmortem_comments(request: HttpRequest, number: int) -> HttpResponse:
    """GET is the panel (alone for htmx, else as a page), POST begins a thread."""
    row = visible_postmortem(request, number)
    if request.method == "GET":
        return _panel(request, row)
    typed = {name: request.POST.get(name, "") for name in TYPED}
    suggests = request.POST.get("suggest") == "1"
    try:
        actions.add_comment(
            postmortem=row,
            body=typed["text"],
            quote=typed["quote"],
            anchor=_anchor(typed["anchor"]),
            occurrence=int(typed["occurrence"]) if typed["occurrence"].isdecimal() else 1,
            replacement=typed["replacement"] if suggests else None,
            by=person(request),
            now=timezone.now(),
        )
    except InvalidInput as problem:
        return _panel(request, row, errors=_named(problem), typed={**typed, "suggest": suggests}, status=422)
    return _done(request, row, "Your comment is there.")


@require_POST
@permitted
def postmortem_comment(request: HttpRequest, number: int, comment: int) -> HttpResponse:
    """One deed with one comment. What was typed stays in its form when it is refused."""
    postmortem = visible_postmortem(request, number)
    row = get_object_or_404(postmortem.comments.select_related("parent", "author"), pk=comment)
    row.postmortem = postmortem
    by, now, text = person(request), timezone.now(), request.POST.get("text", "")
    deeds: dict[str, tuple[Callable[[], Any], str]] = {
        "answer": (lambda: actions.answer_comment(comment=row, body=text, by=by, now=now), "Your answer is there."),
        "change": (lambda: actions.change_comment(comment=row, body=text, by=by, now=now), "Changed."),
        "delete": (lambda: actions.delete_comment(comment=row, by=by, now=now), "Deleted."),
        "resolve": (lambda: actions.resolve_comment(comment=row, by=by, now=now), "Resolved."),
        "reopen": (lambda: actions.reopen_comment(comment=row, by=by, now=now), "Open again."),
        "accept": (lambda: actions.accept_suggestion(comment=row, by=by, now=now), "The suggestion is in the text."),
    }
    deed = request.POST.get("deed", "")
    refused = {"pk": row.pk, "thread": row.parent_id or row.pk, "deed": deed, "text": text}
    try:
        if deed not in deeds:
            raise InvalidInput("deed", f"expected one of {', '.join(deeds)}")
        act, done = deeds[deed]
        act()
    except InvalidInput as problem:
        return _panel(request, postmortem, refused={**refused, "errors": _named(problem)}, status=422)
    except actions.AnchorLost as lost:
        refused |= {"lost": True, "stands": lost.now, "quote": row.quote, "replacement": row.replacement}
        return _panel(request, postmortem, refused=refused, status=422)
    return _done(request, postmortem, done)


def comments_context(request: HttpRequest, row: PostMortem) -> dict[str, Any]:
    shown = request.GET.get("show") or request.POST.get("show") or "all"
    return {
        "threads": threads_of(row, person(request), shown=shown if shown in SHOWN else "all"),
        "shown_choices": [("all", "All"), ("mine", "Mine"), ("suggestions", "Suggestions")],
        "incident": row.incident,
        "can_respond": can_respond(request.user),
        "now": timezone.now(),
    }


def _panel(request: HttpRequest, row: PostMortem, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {**comments_context(request, row), "postmortem": row, **more}
    part = request.headers.get("HX-Request") and not request.headers.get("HX-Boosted")
    template = "incidents/_comments.html" if part else "incidents/comments.html"
    return render(request, template, context, status=status)


def _done(request: HttpRequest, row: PostMortem, text: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return _panel(request, row)
    messages.success(request, text)
    return redirect("postmortem-comments", row.incident.number)


def _named(problem: InvalidInput) -> list[str]:
    """Sentences for people: the field by the name that its label has."""
    names = {"body": "The comment", "quote": "The quoted text", "replacement": "The suggested text", "": ""}
    return [f"{names.get(field, field.capitalize())} {text}".strip() for field, text in problem.errors.items()]


def _anchor(written: str) -> dict[str, Any] | None:
    if not written.strip():
        return None
    try:
        found = json.loads(written[:10_000])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("anchor", "cannot be read; choose the text once more")
    return found
