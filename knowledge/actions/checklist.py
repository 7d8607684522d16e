"""Checklists: saved with their items, each change of the items a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from knowledge.checks import CHECKS, InvalidParam
from knowledge.models import Checklist, ChecklistItem, ChecklistVersion

MOST = 100
LONGEST = {"text": 300, "why": 2_000, "group": 60}


@transaction.atomic
def save_checklist(
    *,
    by: User,
    now: datetime,
    name: str,
    items: Sequence[Mapping[str, Any]],
    kind: str = Checklist.Kind.RESPONSE,
    description: str = "",
    note: str = "",
    checklist: Checklist | None = None,
) -> Checklist:
    """Create or change. `items` are `{"text", "why", "group", "check_name", "params", "lesson"}`; an item keeps its
    identity while its text stays, and its lesson unless another (or None) is given; removed ones stay in the runs that
    had them. The version rises with the items."""
    require_respond(by)
    wanted = _cleaned(items)
    checklist = checklist or Checklist()
    if checklist.pk:
        checklist = Checklist.objects.select_for_update().get(pk=checklist.pk)
    before = checklist.items_now() if checklist.pk else []
    after = [_plain(item) for item in wanted]
    if checklist.pk and before != after:
        _keep(checklist, before, None, now, "")
        checklist.version += 1
    checklist.name, checklist.kind, checklist.description = " ".join(name.split()), kind, description
    checklist.full_clean()
    checklist.save()
    _write(checklist, wanted, now)
    if before != after:
        _keep(checklist, after, by, now, note)
    return checklist


def _cleaned(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    wanted: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        text = " ".join(str(item.get("text", "")).split())
        if text:
            wanted.append(_item(item, text, place))
    if not wanted:
        raise InvalidInput("items", "expected at least one item")
    if len(wanted) > MOST:
        raise InvalidInput("items", f"expected at most {MOST} items of at most 300 characters each")
    texts = [item["text"] for item in wanted]
    if twice := next((text for text in texts if texts.count(text) > 1), ""):
        raise InvalidInput("items", f"“{twice[:60]}” stands there twice; expected each item once")
    return wanted


def _item(given: Mapping[str, Any], text: str, place: int) -> dict[str, Any]:
    """One item, its check known and its parameters complete."""
    parts = {
        "text": text,
        "why": str(given.get("why") or "").strip(),
        "group": " ".join(str(given.get("group") or "").split()),
    }
    for part, longest in LONGEST.items():
        if len(parts[part]) > longest:
            raise InvalidInput(f"items.{place}.{part}", f"item {place + 1}: expected at most {longest} characters")
    check_name, params = str(given.get("check_name") or ""), given.get("params") or {}
    if check_name and check_name not in CHECKS:
        raise InvalidInput(f"items.{place}.check_name", f"item {place + 1}: {check_name[:40]!r} is no check")
    if not isinstance(params, Mapping):
        raise InvalidInput(f"items.{place}.params", f"item {place + 1}: expected an object of parameters")
    try:
        params = CHECKS[check_name].clean(params) if check_name else {}
    except InvalidParam as problem:
        raise InvalidInput(f"items.{place}.params", f"item {place + 1}: {problem}") from None
    found = {**parts, "check_name": check_name, "params": params}
    return found | ({"lesson": given["lesson"]} if "lesson" in given else {})


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """As a version keeps it."""
    return {
        "text": item["text"],
        "why": item["why"],
        "group": item["group"],
        "check": item["check_name"],
        "params": dict(item["params"]),
    }


def _write(checklist: Checklist, wanted: Sequence[Mapping[str, Any]], now: datetime) -> None:
    known = {item.text: item for item in checklist.items.all()}
    kept = set()
    for position, given in enumerate(wanted):
        item = known.get(given["text"]) or ChecklistItem(checklist=checklist, text=given["text"])
        item.position, item.removed_at = position, None
        item.why, item.group, item.check_name, item.params = (
            *(given["why"], given["group"]),
            *(given["check_name"], given["params"]),
        )
        item.lesson = given.get("lesson", item.lesson)
        item.save()
        kept.add(item.pk)
    checklist.items.filter(removed_at=None).exclude(pk__in=kept).update(removed_at=now)


def _keep(checklist: Checklist, items: list[dict[str, Any]], by: User | None, now: datetime, note: str) -> None:
    """A version as it stands; one that is kept already stays."""
    ChecklistVersion.objects.get_or_create(
        checklist=checklist,
        number=checklist.version,
        defaults={
            "name": checklist.name,
            "kind": checklist.kind,
            "description": checklist.description,
            "items": items,
            "note": " ".join(note.split())[:300],
            "saved_by": by,
            "saved_at": now,
        },
    )


@transaction.atomic
def delete_checklist(*, checklist: Checklist, by: User, now: datetime, via: str = "page") -> None:
    require_respond(by)
    if checklist.runs.exists():
        raise InvalidInput("", "This checklist has runs, which stay as a record; rename it instead.")
    if checklist.drills.exists():
        raise InvalidInput("", "Drills are planned from this checklist; choose another for them first.")
    audit.record(at=now, actor=by, verb="checklist.deleted", target=checklist.name, via=via)
    checklist.delete()
