"""Query templates, and trying them out with the result shown."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import can_administer
from accounts.problems import InvalidInput
from telemetry.actions.query import delete_template, save_template, start_trial
from telemetry.forms_queries import WINDOWS, QueryTemplateForm, TrialForm
from telemetry.models import QueryTemplate, QueryTrial
from telemetry.trying import give_up


def _admin(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not can_administer(request.user):
        raise PermissionDenied("This needs the role admin. An admin can grant it under Settings, People.")
    return request.user


@require_GET
def query_list(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:100]
    rows = QueryTemplate.objects.select_related("source", "changed_by")
    if wanted:
        rows = rows.filter(title__icontains=wanted) | rows.filter(expr__icontains=wanted)
    context = {"rows": rows[:200], "q": wanted, "can_administer": can_administer(request.user), "now": timezone.now()}
    return render(request, "telemetry/query_list.html", context)


@require_http_methods(["GET", "POST"])
def query_new(request: HttpRequest) -> HttpResponse:
    _admin(request)
    return _query(request, QueryTemplate())


@require_http_methods(["GET", "POST"])
def query_edit(request: HttpRequest, pk: int) -> HttpResponse:
    _admin(request)
    return _query(request, get_object_or_404(QueryTemplate, pk=pk))


def _query(request: HttpRequest, template: QueryTemplate) -> HttpResponse:
    form = QueryTemplateForm(request.POST or None, instance=template)
    stored = template if template.pk else None
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_template(template=stored, by=_admin(request), now=timezone.now(), **form.cleaned_data)
        except (InvalidInput, ValidationError) as problem:
            _add_problem(form, problem)
        else:
            messages.success(request, f"{saved.title} is saved. Incidents from now on ask it.")
            return redirect("query-list")
    trial = TrialForm(initial={"namespaces": template.namespaces, "services": template.services})
    context = {"form": form, "trial_form": trial, "template": stored}
    return render(request, "telemetry/query_form.html", context, status=422 if form.errors else 200)


def _add_problem(form: QueryTemplateForm, problem: InvalidInput | ValidationError) -> None:
    errors = problem.errors if isinstance(problem, InvalidInput) else problem.message_dict
    for field, text in errors.items():
        words = text if isinstance(text, str) else " ".join(text)
        form.add_error(field if field in form.fields else None, words[:1].upper() + words[1:])


@require_POST
def query_delete(request: HttpRequest, pk: int) -> HttpResponse:
    admin = _admin(request)
    template = get_object_or_404(QueryTemplate, pk=pk)
    delete_template(template=template, by=admin, now=timezone.now())
    messages.success(request, f"{template.title} is removed. What it brought in stays as evidence.")
    return redirect("query-list")


@require_POST
def query_try(request: HttpRequest) -> HttpResponse:
    """Answers with the panel that asks for itself again until the source has answered."""
    admin, form, now = _admin(request), TrialForm(request.POST), timezone.now()
    problem = ""
    if form.is_valid():
        data = form.cleaned_data
        try:
            trial = start_trial(
                source=data["source"],
                expr=request.POST.get("expr", "")[:4_000],
                unit=request.POST.get("unit", "")[:20],
                scope={"namespaces": data["namespaces"], "services": data["services"]},
                window_from=now - WINDOWS[data["window"]][1],
                window_to=now,
                by=admin,
                now=now,
            )
        except InvalidInput as refused:
            problem = " ".join(f"{name}: {words}." for name, words in refused.errors.items())
        else:
            return render(request, "telemetry/_trial.html", {"trial": trial})
    else:
        problem = " ".join(f"{name}: {' '.join(map(str, words))}" for name, words in form.errors.items())
    return render(request, "telemetry/_trial.html", {"problem": problem})


@require_GET
def query_trial(request: HttpRequest, pk: int) -> HttpResponse:
    trial = get_object_or_404(QueryTrial.objects.select_related("source"), pk=pk, asked_by=_admin(request))
    give_up(trial, timezone.now())
    return render(request, "telemetry/_trial.html", {"trial": trial})
