"""Brown-bag sessions: the list, one session, its agenda, its exports."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import User
from accounts.permissions import can_respond, require_respond
from incidents.forms import taken
from incidents.listing import page_of
from incidents.models import Incident, PostMortem
from incidents.views.access import permitted, person
from knowledge.actions.brownbag import save_brownbag
from knowledge.forms import BrownBagForm
from knowledge.models import BrownBagSession, Lesson
from knowledge.reading import visible_items
from knowledge.views.exports import export_now

QUICK = ("md", "page", "html", "ics")


@require_GET
def brownbag_list(request: HttpRequest) -> HttpResponse:
    rows = BrownBagSession.objects.select_related("host").annotate(n=Count("items"))
    wanted = request.GET.get("q", "").strip()[:200]
    for word in wanted.split()[:8]:
        rows = rows.filter(title__icontains=word)
    context = {
        "page": page_of(request, rows, key="id"),
        "q": wanted,
        "now": timezone.now(),
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/brownbag_list.html", context)


@require_GET
def brownbag(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(BrownBagSession.objects.select_related("host"), pk=pk)
    items, left_out = visible_items(row, person(request))
    context = {
        "session": row,
        "items": items,
        "left_out": left_out,
        "minutes": sum(item.minutes for item in items),
        "can_respond": can_respond(request.user),
    }
    return render(request, "knowledge/brownbag.html", context)


@require_http_methods(["GET", "POST"])
@permitted
def brownbag_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(BrownBagSession, pk=pk) if pk else None
    names = ("title", "held_at", "host", "audience", "introduction")
    form = BrownBagForm(request.POST or None, initial={name: getattr(row, name) for name in names} if row else {})
    stored = _stored(row, person(request))
    choices = _choices(request, stored)
    agenda = _agenda(request, choices, stored) if request.method == "POST" else stored
    if saved := taken(form, lambda: save_brownbag(by=person(request), session=row, items=agenda, **form.cleaned_data)):
        return redirect(saved)
    context = {"form": form, "session": row, "rows": _rows(choices, agenda)}
    return render(request, "knowledge/brownbag_form.html", context, status=422 if form.errors else 200)


def _choices(request: HttpRequest, stored: list[dict[str, Any]]) -> dict[str, Any]:
    """`postmortem-3` → the row, for everything that may be put on the agenda and whatever stands on it already."""
    seen = Incident.objects.visible_to(person(request))
    postmortems = PostMortem.objects.filter(incident__in=seen).select_related("incident__severity")[:200]
    lessons = Lesson.objects.visible_to(person(request))[:200]
    kept = {_key(item): item["postmortem"] or item["lesson"] for item in stored}
    return {f"postmortem-{row.pk}": row for row in postmortems} | {f"lesson-{row.pk}": row for row in lessons} | kept


def _key(item: dict[str, Any]) -> str:
    kind = "postmortem" if item.get("postmortem") else "lesson"
    return f"{kind}-{item[kind].pk}"


def _rows(choices: dict[str, Any], agenda: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the form lists: the agenda in its order, then everything else that may be chosen."""
    chosen = {_key(item): item for item in agenda}
    keys = [*(key for key in chosen if key in choices), *(key for key in choices if key not in chosen)]
    return [
        {
            "key": key,
            "kind": key.partition("-")[0],
            "label": f"{choices[key].incident.key} {choices[key].title}" if key.startswith("p") else str(choices[key]),
            "chosen": key in chosen,
            "minutes": chosen[key]["minutes"] if key in chosen else 10,
            "notes": chosen[key]["notes"] if key in chosen else "",
        }
        for key in keys
    ]


def _stored(session: BrownBagSession | None, by: User) -> list[dict[str, Any]]:
    if session is None:
        return []
    rows = session.items.visible_to(by).select_related("postmortem__incident__severity", "lesson")
    return [{"postmortem": i.postmortem, "lesson": i.lesson, "minutes": i.minutes, "notes": i.notes} for i in rows]


def _agenda(request: HttpRequest, choices: dict[str, Any], stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows named `item` in their order, with `minutes-KEY` and `notes-KEY`; what may not be seen is not taken.

    Where `notes-KEY` is missing, the stored notes stay.
    """
    agenda = []
    notes = {_key(item): item["notes"] for item in stored}
    for key in dict.fromkeys(request.POST.getlist("item")):
        row = choices.get(key)
        if row is None:
            continue
        minutes = request.POST.get(f"minutes-{key}", "10")
        kind = "postmortem" if isinstance(row, PostMortem) else "lesson"
        agenda.append(
            {
                kind: row,
                "minutes": int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) < 4 else 10,
                "notes": request.POST.get(f"notes-{key}", notes.get(key, ""))[:5_000],
            }
        )
    return agenda


@require_GET
def brownbag_export(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The file at once, without a worker: for Markdown, the one-file page and the invitation, whose addresses people keep."""
    if form not in QUICK:
        raise Http404
    return export_now(request, "brownbag", pk, form)
