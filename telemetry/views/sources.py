"""Sources: what is connected, whether it answers, and connecting more."""

from __future__ import annotations

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.encryption import CredentialProblem
from accounts.models import User
from accounts.permissions import can_administer
from accounts.problems import InvalidInput
from telemetry.actions.source import (
    add_found_sources,
    check_source,
    connect_cluster,
    delete_source,
    save_source,
    set_recorded,
)
from telemetry.forms import ClusterForm, SourceForm, typed_budget
from telemetry.kinds import Kind, groups, kind_of
from telemetry.models import Cluster, Heartbeat, Source
from telemetry.recorder.permissions import cluster_role
from telemetry.recordings import quiet
from telemetry.reports import reports


def _admin(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not can_administer(request.user):
        raise PermissionDenied("This needs the role admin. An admin can grant it under Settings, People.")
    return request.user


def _add_problem(form: ClusterForm | SourceForm, problem: InvalidInput | ValidationError) -> None:
    errors = problem.errors if isinstance(problem, InvalidInput) else problem.message_dict
    for field, text in errors.items():
        name = field.partition(".")[0]
        words = text if isinstance(text, str) else " ".join(text)
        form.add_error(name if name in form.fields else None, f"{field}: {words}" if "." in field else words)


@require_GET
def source_list(request: HttpRequest) -> HttpResponse:
    rows = Source.objects.select_related("cluster")
    wanted = request.GET.get("q", "").strip()[:100]
    if wanted:
        kinds = [kind.name for _, found in groups() for kind in found if wanted.lower() in kind.label.lower()]
        rows = rows.filter(Q(name__icontains=wanted) | Q(kind__in=kinds) | Q(kind__icontains=wanted))
    # What needs a hand first; the rest keeps its order of names.
    sources = sorted(rows, key=lambda source: not _needs_a_hand(source))
    now = timezone.now()
    context = {
        "q": wanted,
        "quiet": quiet(now),
        "reports": reports(list(Cluster.objects.all()), now=now, zone=timezone.get_current_timezone()),
        "role": cluster_role(),
        "sources": [(source, kind_of(source.kind)) for source in sources],
        "broken": [source for source in sources if _needs_a_hand(source)],
        "heartbeat": Heartbeat.objects.filter(name="worker").first(),
        "now": now,
        "can_administer": can_administer(request.user),
    }
    return render(request, "telemetry/source_list.html", context)


def _needs_a_hand(source: Source) -> bool:
    return source.enabled and source.is_healthy is False


@require_http_methods(["GET", "POST"])
def cluster_new(request: HttpRequest) -> HttpResponse:
    return _cluster(request, None)


@require_http_methods(["GET", "POST"])
def cluster_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _cluster(request, get_object_or_404(Cluster, pk=pk))


@require_POST
def cluster_recorded(request: HttpRequest, pk: int) -> HttpResponse:
    admin, recorded = _admin(request), request.POST.get("recorded") == "1"
    cluster = get_object_or_404(Cluster, pk=pk)
    set_recorded(cluster=cluster, recorded=recorded, by=admin, now=timezone.now())
    if recorded:
        messages.success(request, f"{cluster.name} is recorded from now on.")
    else:
        messages.success(request, f"{cluster.name} is no longer recorded. What is archived stays.")
    return redirect("source-list")


def _cluster(request: HttpRequest, row: Cluster | None) -> HttpResponse:
    admin = _admin(request)
    form = ClusterForm(request.POST or None, initial={"name": row.name} if row else {})
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        try:
            cluster = connect_cluster(cluster=row, by=admin, now=now, **form.cleaned_data)
        except (InvalidInput, ValidationError) as problem:
            _add_problem(form, problem)
        else:
            source = cluster.sources.get(kind="kubernetes")
            found = add_found_sources(cluster=cluster, by=admin, now=now) if row is None else []
            for one in found:
                check_source(source=one, now=now)
            if found:
                messages.success(request, f"Found in the cluster and added: {', '.join(one.name for one in found)}.")
            return _checked(request, source)
    context = {"form": form, "cluster": row, "role": cluster_role()}
    return render(request, "telemetry/cluster_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def source_new(request: HttpRequest) -> HttpResponse:
    """Which kind first; then what this kind needs."""
    _admin(request)
    kind = kind_of(request.POST.get("kind") or request.GET.get("kind") or "")
    if kind is None or kind.name == "kubernetes":
        wanted = request.GET.get("q", "").strip()[:100]
        return render(request, "telemetry/source_kinds.html", {"groups": _matching(wanted), "q": wanted})
    return _source(request, Source(kind=kind.name, name=kind.label), kind)


def _matching(wanted: str) -> list[tuple[str, list[Kind]]]:
    found = [(name, [kind for kind in kinds if _said(wanted, kind)]) for name, kinds in groups()]
    return [(name, kinds) for name, kinds in found if kinds]


def _said(wanted: str, kind: Kind) -> bool:
    return wanted.lower() in f"{kind.label} {kind.facts.collects} {kind.facts.language}".lower()


@require_http_methods(["GET", "POST"])
def source_edit(request: HttpRequest, pk: int) -> HttpResponse:
    _admin(request)
    source = get_object_or_404(Source.objects.select_related("cluster"), pk=pk)
    kind = kind_of(source.kind)
    if kind is None:
        raise Http404("This source is of a kind that is not known any more.")
    return _source(request, source, kind)


def _source(request: HttpRequest, source: Source, kind: Kind) -> HttpResponse:
    admin, stored = _admin(request), source if source.pk else None
    names = ("name", "url", "cluster", "verify_tls", "allow_private", "enabled")
    initial = {name: getattr(source, name) for name in names} | typed_budget(source.budget)
    if stored is None and (known := request.GET.get("cluster", "")).isdigit():
        initial["cluster"] = known[:9]
    initial["options"] = json.dumps(source.options, indent=2) if source.options else ""
    if stored is not None:
        initial["username"] = _stored_username(stored)
    form = SourceForm(request.POST or None, initial=initial, kind=kind)
    if request.method == "POST" and form.is_valid():
        fields = form.fields_of_source() | form.secrets()
        try:
            saved = save_source(source=stored, kind=kind.name, by=admin, now=timezone.now(), merge_auth=True, **fields)
        except (InvalidInput, ValidationError) as problem:
            _add_problem(form, problem)
        else:
            return _checked(request, saved)
    context = {"form": form, "source": stored, "kind": kind, "address": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "telemetry/source_form.html", context, status=422 if form.errors else 200)


def _stored_username(source: Source) -> str:
    try:
        return str(source.secrets()["auth"].get("username", ""))
    except CredentialProblem:
        return ""


def _checked(request: HttpRequest, source: Source) -> HttpResponse:
    """Straight after saving, the page shows whether it answers."""
    checks = check_source(source=source, now=timezone.now())
    if all(check.ok for check in checks):
        messages.success(request, f"{source.name} answers.")
    else:
        messages.error(request, f"{source.name} is saved, but something is missing; see below.")
    return redirect("source-list")


@require_POST
def source_check(request: HttpRequest, pk: int) -> HttpResponse:
    _admin(request)
    return _checked(request, get_object_or_404(Source.objects.select_related("cluster"), pk=pk))


@require_POST
def source_delete(request: HttpRequest, pk: int) -> HttpResponse:
    admin = _admin(request)
    source = get_object_or_404(Source, pk=pk)
    try:
        delete_source(source=source, by=admin, now=timezone.now())
    except InvalidInput as problem:
        messages.error(request, f"{source.name} stays. {' '.join(problem.errors.values())}")
    else:
        messages.success(request, f"{source.name} is removed. What it said stays as evidence.")
    return redirect("source-list")
