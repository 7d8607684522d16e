"""Runs of checklists: begun for a target, checked, ticked, waived, signed off."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.followup import create_followup
from incidents.models import Evidence, FollowUp, Incident
from incidents.models.incident import TITLE_LIMIT
from knowledge.actions.followup_check import set_followup_check
from knowledge.checking.runs import ASK_AGAIN, begin_run, same_place
from knowledge.models import Checklist, ChecklistRun, ChecklistTick, CheckState, Drill, Verdict
from knowledge.targets import clean_target, target_of_incident
from knowledge.tasks.checking import enqueue_run

State = ChecklistTick.State


@transaction.atomic
def start_run(
    *,
    checklist: Checklist,
    by: User,
    now: datetime,
    incident: Incident | None = None,
    drill: Drill | None = None,
    **target: Any,
) -> ChecklistRun:
    """For an incident (whose scope fills in what `target` leaves out), or for what `target` names: `cluster`,
    `namespace`, `workload_kind`, `workload_name`, `service`. Items with a check are put to a worker."""
    require_respond(by)
    given = {name: value for name, value in target.items() if value}
    known = clean_target(**((target_of_incident(incident) if incident and not given else {}) | given))
    if incident is None and not (known["service"] or known["namespace"]):
        raise InvalidInput("service", "name the incident or the service that the run is for, or a namespace")
    items = list(checklist.items.filter(removed_at=None))
    fields = {"checklist": checklist, "version": checklist.version, "incident": incident, "drill": drill}
    run = begin_run(run=ChecklistRun(**fields, started_by=by, **known), items=items, now=now)
    if run.check_state:
        transaction.on_commit(partial(enqueue_run, run.pk))
    return run


@transaction.atomic
def check_run(*, run: ChecklistRun, by: User, now: datetime) -> ChecklistRun:
    """Ask the cluster and the sources again. Refused while that is under way, and after the run was signed off."""
    require_respond(by)
    run = ChecklistRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.finished_at is not None:
        raise InvalidInput("", "This run was signed off. Start a new one to check again.")
    if run.check_state in {CheckState.QUEUED, CheckState.RUNNING}:
        raise InvalidInput("", "The checks are under way already.")
    if not run.ticks.exclude(check_name="").exists():
        raise InvalidInput("", "No item of this run has a check.")
    run.check_state, run.check_attempts, run.check_lease_until = CheckState.QUEUED, 0, now + ASK_AGAIN
    run.save()
    transaction.on_commit(partial(enqueue_run, run.pk))
    return run


@transaction.atomic
def tick(
    *, tick: ChecklistTick, state: str, by: User, now: datetime, note: str = "", evidence: Evidence | None = None
) -> ChecklistTick:
    """Done, waived (with a reason in `note`), or open again; the evidence stays unless another is given.

    An item with a check is done when its check passes, and by nobody's word."""
    require_respond(by)
    if state not in State.values:
        raise InvalidInput("state", f"is {state!r}; expected one of {', '.join(State.values)}")
    if state == State.WAIVED and not note.strip():
        raise InvalidInput("note", "say why this is waived")
    if len(note) > 2_000:
        raise InvalidInput("note", "expected at most 2,000 characters")
    run = ChecklistRun.objects.select_for_update(of=("self",)).get(pk=tick.run_id)
    tick = ChecklistTick.objects.get(pk=tick.pk)
    if tick.check_name and state == State.DONE and tick.verdict != Verdict.PASS:
        raise InvalidInput("state", "its check has not passed; mend it and check again, or waive it with a reason")
    tick.state, tick.note, tick.evidence = state, note.strip(), evidence or tick.evidence
    if tick.check_name and state == State.OPEN and tick.verdict == Verdict.PASS:
        tick.state = State.DONE
    tick.by, tick.at = (by, now) if state != State.OPEN else (None, None)
    tick.save()
    run.finished_at, run.finished_by = None, None
    run.save()
    return tick


@transaction.atomic
def finish_run(*, run: ChecklistRun, by: User, now: datetime) -> ChecklistRun:
    """Signed off when nothing is open any more; what an exception excuses counts as settled."""
    require_respond(by)
    run = ChecklistRun.objects.select_for_update(of=("self",)).select_related("checklist").get(pk=run.pk)
    if run.check_state in {CheckState.QUEUED, CheckState.RUNNING}:
        raise InvalidInput("", "The checks are under way; wait for their verdicts first")
    left = sum(not one.is_settled(now) for one in run.ticks.select_related("exception"))
    if left:
        raise InvalidInput("", f"{left} items are still open; tick or waive them first")
    run.finished_at, run.finished_by = now, by
    run.save()
    audit.record(at=now, actor=by, verb="checklist.signed_off", target=str(run))
    return run


@transaction.atomic
def raise_followup(*, tick: ChecklistTick, by: User, now: datetime, incident: Incident | None = None) -> FollowUp:
    """A follow-up for an item that failed, which carries the same check. A run without an incident needs one chosen."""
    require_respond(by)
    tick = (
        ChecklistTick.objects.select_for_update(of=("self",))
        .select_related("run__incident", "followup")
        .get(pk=tick.pk)
    )
    run = tick.run
    home = run.incident or incident
    if tick.followup is not None and not tick.followup.is_ended:
        raise InvalidInput("", "A follow-up is open for this item already.")
    if home is None:
        raise InvalidInput("incident", "choose the incident that the follow-up belongs to")
    told = [tick.verdict_reason, tick.why, tick.verdict_remedy, f"From the checklist run of {run.place or home.key}."]
    followup = create_followup(
        incident=home,
        title=tick.text[:TITLE_LIMIT],
        description="\n\n".join(part for part in told if part),
        by=by,
        now=now,
    )
    # Without a place a check would look at every namespace, which its run did for the incident alone.
    if tick.check_name and (run.namespace or run.service):
        place: dict[str, Any] = same_place(run)
        check = set_followup_check(
            followup=followup, check_name=tick.check_name, params=tick.params, by=by, now=now, **place
        )
        for name in ("verdict", "verdict_reason", "verdict_remedy", "facts", "checked_at"):
            setattr(check, name, getattr(tick, name))
        check.save()
    tick.followup = followup
    tick.save()
    return followup
