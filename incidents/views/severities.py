"""Settings of the severities: deadlines, reminders, and what comes before publishing."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import require_administer
from incidents.actions.severity import save_severity
from incidents.forms import taken
from incidents.forms_reading import SeverityForm, people_choices
from incidents.models import Severity
from incidents.views.access import permitted, person


@require_GET
@permitted
def severity_list(request: HttpRequest) -> HttpResponse:
    require_administer(request.user)
    return _page(request)


@require_POST
@permitted
def severity(request: HttpRequest, pk: int) -> HttpResponse:
    """A refused form comes back in its place with what was typed."""
    require_administer(request.user)
    row = get_object_or_404(Severity, pk=pk)
    form = SeverityForm(request.POST, severity=row, people=people_choices())
    saved = taken(
        form, lambda: save_severity(severity=row, by=person(request), now=timezone.now(), **form.cleaned_data)
    )
    if saved is None:
        return _page(request, form)
    messages.success(request, f"{saved.name} is saved.")
    return redirect("settings-severities")


def _page(request: HttpRequest, refused: SeverityForm | None = None) -> HttpResponse:
    people = people_choices()
    rows = Severity.objects.prefetch_related("required_reviewers")
    context: dict[str, Any] = {
        "rows": [
            (row, refused if refused and refused.severity.pk == row.pk else SeverityForm(severity=row, people=people))
            for row in rows
        ],
        "refused": refused,
    }
    return render(request, "incidents/severity_list.html", context, status=422 if refused else 200)
