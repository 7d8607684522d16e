"""Planning a session: its facts, its agenda by hand or by rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.permissions import require_respond
from incidents.forms import taken
from incidents.models import Incident, PostMortem
from incidents.views.access import permitted, person
from knowledge.actions.brownbag import save_brownbag
from knowledge.agenda import filled, lessons_of, postmortems_by_rule
from knowledge.forms import AgendaRuleForm, BrownBagForm
from knowledge.models import BrownBagSession, Lesson

Agenda = list[dict[str, Any]]
NEW = ("own-new-1", "own-new-2")


@require_http_methods(["GET", "POST"])
@permitted
def brownbag_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(BrownBagSession, pk=pk) if pk else None
    names = list(BrownBagForm.base_fields)
    form = BrownBagForm(request.POST or None, initial={name: getattr(row, name) for name in names} if row else {})
    stored = _stored(row, person(request))
    rule = AgendaRuleForm(request.GET if "days" in request.GET else None)
    if request.method == "GET" and rule.is_bound and rule.is_valid():
        stored = _by_rule(rule, person(request), row.minutes if row else 45)
    choices = _choices(request, stored)
    agenda = _agenda(request, choices, stored) if request.method == "POST" else stored
    if saved := taken(form, lambda: save_brownbag(by=person(request), session=row, items=agenda, **form.cleaned_data)):
        return redirect(saved)
    slot = row.minutes if row else 45
    context = {"form": form, "session": row, "rows": _rows(choices, agenda), "rule": rule, "slot": slot}
    return render(request, "knowledge/brownbag_form.html", context, status=422 if form.errors else 200)


def _by_rule(rule: AgendaRuleForm, by: User, minutes: int) -> Agenda:
    told = rule.cleaned_data
    found = postmortems_by_rule(
        person=by,
        since=timezone.now() - timedelta(days=told["days"]),
        severities=list(told["severities"]),
        team=told["team"],
        only_published=told["only_published"],
    )
    return filled(found, lessons_of(found, by) if told["with_lessons"] else [], minutes)


def _stored(session: BrownBagSession | None, by: User) -> Agenda:
    if session is None:
        return []
    rows = session.items.visible_to(by).select_related("postmortem__incident__severity", "lesson")
    names = ("postmortem", "lesson", "title", "minutes", "notes", "questions")
    return [{name: getattr(item, name) for name in names} for item in rows]


def _choices(request: HttpRequest, stored: Agenda) -> dict[str, Any]:
    """`postmortem-3` → the row, for everything that may be put on the agenda and whatever stands on it already."""
    seen = Incident.objects.visible_to(person(request))
    postmortems = PostMortem.objects.filter(incident__in=seen).select_related("incident__severity")[:200]
    lessons = Lesson.objects.visible_to(person(request))[:200]
    kept = {
        _key(item, at): item.get("postmortem") or item.get("lesson") or item["title"] for at, item in enumerate(stored)
    }
    known = {f"postmortem-{row.pk}": row for row in postmortems} | {f"lesson-{row.pk}": row for row in lessons}
    return known | kept | dict.fromkeys(NEW, "")


def _key(item: dict[str, Any], at: int) -> str:
    if item.get("postmortem"):
        return f"postmortem-{item['postmortem'].pk}"
    return f"lesson-{item['lesson'].pk}" if item.get("lesson") else f"own-{at}"


def _rows(choices: dict[str, Any], agenda: Agenda) -> list[dict[str, Any]]:
    """What the form lists: the agenda in its order, then everything else that may be chosen."""
    chosen = {_key(item, at): item for at, item in enumerate(agenda)}
    keys = [*chosen, *(key for key in choices if key not in chosen and (not key.startswith("own-") or key in NEW))]
    return [_row(key, chosen.get(key), choices.get(key, "")) for key in keys]


def _row(key: str, item: dict[str, Any] | None, choice: Any) -> dict[str, Any]:
    kind = key.partition("-")[0]
    if kind == "own":
        label = item["title"] if item else ""
    else:
        label = f"{choice.incident.key} {choice.title}" if kind == "postmortem" else str(choice)
    told = item or {}
    return {
        "key": key,
        "kind": kind,
        "label": label,
        "chosen": item is not None,
        "minutes": told.get("minutes") or (5 if kind == "own" else 10),
        "notes": told.get("notes") or "",
        "questions": told.get("questions") or "",
    }


def _agenda(request: HttpRequest, choices: dict[str, Any], stored: Agenda) -> Agenda:
    """Rows named `item` in their order, with `minutes-KEY`, `notes-KEY`, `questions-KEY` and, of one's own, `title-KEY`;
    what may not be seen is not taken. Where notes or questions are missing, the stored ones stay."""
    before = {_key(item, at): item for at, item in enumerate(stored)}
    agenda: Agenda = []
    for key in dict.fromkeys(request.POST.getlist("item")):
        row, kept = choices.get(key), before.get(key, {})
        item: dict[str, Any] = {"minutes": _minutes(request.POST.get(f"minutes-{key}", ""))}
        for name, most in (("notes", 5_000), ("questions", 2_000)):
            typed = request.POST.get(f"{name}-{key}")
            item[name] = (kept.get(name, "") if typed is None else typed)[:most]
        if key.startswith("own-"):
            item["title"] = (request.POST.get(f"title-{key}") or kept.get("title") or "")[:200]
            if not item["title"].strip():
                continue
        elif row is None:
            continue
        else:
            item["postmortem" if isinstance(row, PostMortem) else "lesson"] = row
        agenda.append(item)
    return agenda


def _minutes(text: str) -> int:
    return max(1, min(int(text), 600)) if text.isascii() and text.isdigit() and len(text) < 4 else 10
