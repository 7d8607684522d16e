"""Checklists: their list, one of them, its editor and its versions."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_respond, require_respond
from accounts.problems import InvalidInput
from incidents.forms import taken
from incidents.listing import page_of
from incidents.models import Incident
from incidents.views.access import deed, permitted, person, require_valid
from incidents.writing.differences import words
from knowledge.actions.checklist import save_checklist
from knowledge.actions.schedule import add_schedule, remove_schedule
from knowledge.checks import CHECKS
from knowledge.forms_checks import (
    EMPTY_ROWS,
    ChecklistForm,
    RunForm,
    ScheduleForm,
    check_choices,
    params_of,
    params_text,
    rows_of,
)
from knowledge.models import Checklist, ChecklistRun, Lesson
from knowledge.views.access import visible_runs


@require_GET
def checklist_list(request: HttpRequest) -> HttpResponse:
    rows = Checklist.objects.annotate(
        n=Count("items", filter=Q(items__removed_at=None)),
        automated=Count("items", filter=Q(items__removed_at=None) & ~Q(items__check_name="")),
    )
    wanted = request.GET.get("q", "").strip()[:200]
    for word in wanted.split()[:8]:
        rows = rows.filter(Q(name__icontains=word) | Q(description__icontains=word))
    counted = Count("ticks"), Count("ticks", filter=~Q(ticks__state="open"))
    runs = ChecklistRun.objects.filter(pk__in=visible_runs(person(request)).values("pk")[:10])
    recent = runs.select_related("checklist", "incident", "cluster", "started_by")
    recent = recent.annotate(total=counted[0], done=counted[1]).order_by("-started_at", "-pk")
    page = page_of(request, rows.annotate(place=Window(RowNumber(), order_by=F("name").desc())), key="place")
    context = {"page": page, "runs": recent, "q": wanted, "can_respond": can_respond(request.user)}
    return render(request, "knowledge/checklist_list.html", context)


@require_GET
def checklist(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Checklist, pk=pk)
    items = list(row.items.filter(removed_at=None))
    context = {
        "checklist": row,
        "groups": _grouped(items),
        "runs": visible_runs(person(request)).filter(checklist=row)[:20],
        "versions": row.versions.count(),
        "schedules": row.schedules.select_related("cluster"),
        "form": RunForm(person=person(request), initial={"incident": request.GET.get("incident", "")}),
        "schedule_form": ScheduleForm(auto_id="id_schedule_%s"),
        "automated": sum(bool(item.check_name) for item in items),
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/checklist.html", context)


def _grouped(items: list[Any]) -> list[tuple[str, list[tuple[Any, Any]]]]:
    groups: dict[str, list[tuple[Any, Any]]] = {}
    for item in items:
        groups.setdefault(item.group, []).append((item, CHECKS.get(item.check_name)))
    return list(groups.items())


@require_http_methods(["GET", "POST"])
@permitted
def checklist_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(Checklist, pk=pk) if pk else None
    initial = {"name": row.name, "kind": row.kind, "description": row.description} if row else {}
    posted = request.method == "POST"
    rows = rows_of(request.POST) if posted else _rows(request, row)
    wants_rows = posted and "more" in request.POST
    form = ChecklistForm(request.POST if posted else None, initial=initial)
    if posted and not wants_rows:

        def save() -> Checklist:
            items = [_item(request, one, row) for one in rows]
            by, now = person(request), timezone.now()
            return save_checklist(by=by, now=now, checklist=row, items=items, **form.cleaned_data)

        if saved := taken(form, save):
            return redirect(saved)
    context = {
        "form": form,
        "checklist": row,
        "rows": rows + [{}] * (EMPTY_ROWS if rows else EMPTY_ROWS * 2),
        "choices": check_choices(),
        "checks": CHECKS.values(),
        "is_refused": posted and not wants_rows,
    }
    return render(request, "knowledge/checklist_form.html", context, status=422 if context["is_refused"] else 200)


def _rows(request: HttpRequest, row: Checklist | None) -> list[dict[str, Any]]:
    """Those that stand, and one for the lesson that `?lesson=5` names."""
    items = row.items_now() if row else []
    seen = Lesson.objects.visible_to(person(request))
    known = {lesson.pk: lesson.key for lesson in seen.filter(checklist_items__checklist=row)} if row else {}
    keys = [known.get(item.lesson_id or 0, "") for item in (row.items.filter(removed_at=None) if row else [])]
    rows = [
        {**item, "params": params_text(item["params"]), "lesson": key} for item, key in zip(items, keys, strict=True)
    ]
    number = _number(request.GET.get("lesson", ""), 0)
    lesson = seen.filter(number=number).first() if number else None
    return rows + ([{"text": lesson.statement[:300], "lesson": lesson.key}] if lesson else [])


def _item(request: HttpRequest, given: dict[str, Any], row: Checklist | None) -> dict[str, Any]:
    """As the action wants it. A lesson that this person does not see is not theirs to take away."""
    item = {**given, "params": params_of(given["params"])}
    wanted = item.pop("lesson").strip()
    seen = Lesson.objects.visible_to(person(request))
    if wanted:
        number = _number(wanted.upper().removeprefix("L-"), 0)
        found = seen.filter(number=number).first()
        if found is None:
            raise InvalidInput("", f"Lesson {wanted[:20]!r} is not known; expected one such as L-5.")
        return item | {"lesson": found}
    known = row.items.filter(text=item["text"]).exclude(lesson=None).first() if row else None
    hidden = known is not None and not seen.filter(pk=known.lesson_id or 0).exists()
    return item if hidden else item | {"lesson": None}


@require_GET
def checklist_versions(request: HttpRequest, pk: int) -> HttpResponse:
    """All versions, and the differences of two: `?from=1&to=2`, the last two unless told."""
    row = get_object_or_404(Checklist, pk=pk)
    versions = list(row.versions.select_related("saved_by"))
    numbers = [one.number for one in versions]
    later = _number(request.GET.get("to", ""), numbers[0] if numbers else row.version)
    earlier = _number(request.GET.get("from", ""), max((n for n in numbers if n < later), default=later))
    known = {one.number: one for one in versions}
    before, after = known.get(earlier), known.get(later)
    changes = words(_text(before), _text(after)) if before and after and before != after else []
    context = {"checklist": row, "versions": versions, "before": before, "after": after, "changes": changes}
    return render(request, "knowledge/checklist_versions.html", context)


@require_GET
def checklist_version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """As it was then; a run of an older version links here."""
    row = get_object_or_404(Checklist, pk=pk)
    version = row.versions.filter(number=number).first()
    if version is None and number != row.version:
        raise Http404
    items = version.items if version else row.items_now()
    groups: dict[str, list[tuple[Any, Any]]] = {}
    for item in items:
        groups.setdefault(item.get("group", ""), []).append((item, CHECKS.get(item.get("check", ""))))
    context = {"checklist": row, "version": version, "number": number, "groups": list(groups.items())}
    return render(request, "knowledge/checklist_version.html", context)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else otherwise


def _text(version: Any) -> str:
    """A version as lines that can be compared."""
    lines = []
    for item in version.items:
        group = f"{item['group']}: " if item.get("group") else ""
        told = " ".join([item["check"], *(f"{name}={value}" for name, value in item["params"].items())])
        check = f" [{told}]" if item.get("check") else ""
        lines.append(f"{group}{item['text']}{check}")
        lines += [f"  {item['why']}"] if item.get("why") else []
    return "\n".join(lines) + "\n"


@require_POST
@permitted
def schedule_add(request: HttpRequest, pk: int) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(Checklist, pk=pk)
    form = ScheduleForm(request.POST)

    def add() -> None:
        require_valid(form)
        hours = form.cleaned_data["every_hours"]
        add_schedule(checklist=row, by=person(request), now=timezone.now(), every_hours=hours, **form.target())

    return deed(
        request, add, done="Scheduled. The first run comes within a minute.", to=f"{row.get_absolute_url()}#h-sched"
    )


@require_POST
@permitted
def schedule_remove(request: HttpRequest, pk: int, schedule_id: int) -> HttpResponse:
    row = get_object_or_404(Checklist, pk=pk)
    schedule = get_object_or_404(row.schedules, pk=schedule_id)
    return deed(
        request,
        lambda: remove_schedule(schedule=schedule, by=person(request), now=timezone.now()),
        done="It starts no more runs.",
        to=f"{row.get_absolute_url()}#h-sched",
    )


def newest_incidents(request: HttpRequest, run: ChecklistRun) -> list[Incident]:
    """For a follow-up of a run without one: those of its service or namespace first, then the newest."""
    seen = Incident.objects.visible_to(person(request)).order_by("-number")
    same = Q(pk__in=[])
    if run.service:
        same |= Q(services__contains=[run.service])
    if run.namespace:
        same |= Q(namespaces__contains=[run.namespace])
    near = list(seen.filter(same)[:20])
    return near + [one for one in seen[:20] if one not in near]
