"""Checklists and their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Evidence, Incident
from knowledge.models import Checklist, ChecklistItem, ChecklistRun, ChecklistTick

State = ChecklistTick.State


@transaction.atomic
def save_checklist(
    *,
    by: User,
    now: datetime,
    name: str,
    items: Sequence[Mapping[str, str]],
    kind: str = Checklist.Kind.RESPONSE,
    description: str = "",
    checklist: Checklist | None = None,
) -> Checklist:
    """Create or change; an item keeps its identity while its text stays. Removed items stay in the runs that had them."""
    require_respond(by)
    wanted = [(" ".join(str(item.get("text", "")).split()), str(item.get("why", "")).strip()) for item in items]
    wanted = [pair for pair in wanted if pair[0]]
    if not wanted:
        raise InvalidInput("items", "expected at least one item")
    if len(wanted) > 100 or any(len(text) > 300 for text, _ in wanted):
        raise InvalidInput("items", "expected at most 100 items of at most 300 characters each")
    checklist = checklist or Checklist()
    checklist.name, checklist.kind, checklist.description = " ".join(name.split()), kind, description
    checklist.full_clean()
    checklist.save()
    known = {item.text: item for item in checklist.items.all()}
    kept = set()
    for position, (text, why) in enumerate(wanted):
        item = known.get(text) or ChecklistItem(checklist=checklist, text=text)
        item.position, item.why, item.removed_at = position, why, None
        item.save()
        kept.add(item.pk)
    checklist.items.filter(removed_at=None).exclude(pk__in=kept).update(removed_at=now)
    return checklist


@transaction.atomic
def start_run(
    *, checklist: Checklist, by: User, now: datetime, incident: Incident | None = None, service: str = ""
) -> ChecklistRun:
    require_respond(by)
    if incident is None and not service.strip():
        raise InvalidInput("service", "name the incident or the service that the run is for")
    run = ChecklistRun.objects.create(
        checklist=checklist, incident=incident, service=service.strip()[:200], started_by=by, started_at=now
    )
    ChecklistTick.objects.bulk_create(
        ChecklistTick(run=run, item=item, position=item.position, text=item.text, why=item.why)
        for item in checklist.items.filter(removed_at=None)
    )
    return run


@transaction.atomic
def tick(
    *, tick: ChecklistTick, state: str, by: User, now: datetime, note: str = "", evidence: Evidence | None = None
) -> ChecklistTick:
    """Done, waived (with a reason in `note`), or open again; the evidence stays unless another is given."""
    require_respond(by)
    if state not in State.values:
        raise InvalidInput("state", f"is {state!r}; expected one of {', '.join(State.values)}")
    if state == State.WAIVED and not note.strip():
        raise InvalidInput("note", "say why this is waived")
    if len(note) > 2_000:
        raise InvalidInput("note", "expected at most 2,000 characters")
    run = ChecklistRun.objects.select_for_update().get(pk=tick.run_id)
    tick.state, tick.note, tick.evidence = state, note.strip(), evidence or tick.evidence
    tick.by, tick.at = (by, now) if state != State.OPEN else (None, None)
    tick.save()
    run.finished_at, run.finished_by = None, None
    run.save()
    return tick


@transaction.atomic
def finish_run(*, run: ChecklistRun, by: User, now: datetime) -> ChecklistRun:
    """Signed off when nothing is open any more."""
    require_respond(by)
    left = run.ticks.filter(state=State.OPEN).count()
    if left:
        raise InvalidInput("", f"{left} items are still open; tick or waive them first")
    run.finished_at, run.finished_by = now, by
    run.save()
    audit.record(at=now, actor=by, verb="checklist.signed_off", target=str(run))
    return run


@transaction.atomic
def delete_checklist(*, checklist: Checklist, by: User, now: datetime, via: str = "page") -> None:
    require_respond(by)
    if checklist.runs.exists():
        raise InvalidInput("", "This checklist has runs, which stay as a record; rename it instead.")
    audit.record(at=now, actor=by, verb="checklist.deleted", target=checklist.name, via=via)
    checklist.delete()
