"""Finding what a person may see, and turning refusals of actions into answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from accounts.models import User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.models import Incident, PostMortem
from incidents.writing.documents import settle_waiting

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def person(request: HttpRequest) -> User:
    """The signed-in person; the door (SignInRequiredMiddleware) let nobody else through."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def visible_incident(request: HttpRequest, number: int, *joined: str) -> Incident:
    rows = Incident.objects.visible_to(person(request)).select_related(
        "severity", "declared_by", "duplicate_of", "recurrence_of", *joined
    )
    rows = rows.prefetch_related("milestones")
    return get_object_or_404(rows, number=number)


def is_visible(incident: Incident, to: User) -> bool:
    return not incident.is_restricted or Incident.objects.visible_to(to).filter(pk=incident.pk).exists()


def visible_postmortem(request: HttpRequest, number: int) -> PostMortem:
    incident = visible_incident(request, number)
    settle_waiting(PostMortem.objects.filter(incident=incident).values_list("pk", flat=True), timezone.now())
    rows = PostMortem.objects.select_related("incident__severity", "template", "edited_by", "published_by")
    return get_object_or_404(rows, incident=incident)


def permitted(view: View[P]) -> View[P]:
    """A role that does not allow it becomes the page that says which one does."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except PermissionProblem as problem:
            raise PermissionDenied(str(problem)) from problem

    return wrapped


def require_valid(form: forms.Form) -> None:
    """A small form without a page of its own is refused like an action refuses."""
    if not form.is_valid():
        raise InvalidInput(errors={name: " ".join(map(str, texts)) for name, texts in form.errors.items()})


def said(problem: InvalidInput | ValidationError) -> str:
    if isinstance(problem, InvalidInput):
        return " ".join(f"{name.replace('_', ' ')}: {text}".strip(": ") for name, text in problem.errors.items())
    return " ".join(problem.messages)


def deed(request: HttpRequest, act: Callable[[], Any], *, done: str, to: Any) -> HttpResponse:
    """Do one action of a small form: back to the page with a word on how it went."""
    try:
        act()
    except (InvalidInput, ValidationError) as problem:
        messages.error(request, f"Not done. {said(problem)}")
    else:
        if done:
            messages.success(request, done)
    return redirect(to)
