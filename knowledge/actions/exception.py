"""Exceptions: a failing check that is excused for one place until a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.moments import check_moment
from knowledge.checking.runs import same_place
from knowledge.models import CheckException, ChecklistTick, Verdict

LONGEST = timedelta(days=366)


@transaction.atomic
def add_exception(
    *, tick: ChecklistTick, reason: str, ends_at: datetime | None, by: User, now: datetime, owner: User | None = None
) -> CheckException:
    """For the item and the place of a run, in this run and those to come. `owner` answers for it; who adds it, if none."""
    require_respond(by)
    check_moment("ends_at", ends_at)
    if not tick.check_name:
        raise InvalidInput("", "This item has no check; waive it with a reason instead.")
    if tick.verdict != Verdict.FAIL:
        raise InvalidInput("", "Only a check that fails needs an exception.")
    if not tick.run.names_place:
        raise InvalidInput(
            "", "This run names no place to excuse it for; start one that names a namespace or a service."
        )
    if not reason.strip() or len(reason) > 2_000:
        raise InvalidInput("reason", "say in at most 2,000 characters why this is excused")
    if ends_at is None or ends_at <= now:
        raise InvalidInput("ends_at", "expected a day to come, on which it counts again")
    if ends_at > now + LONGEST:
        raise InvalidInput("ends_at", "is too far away; expected at most a year from now")
    run = tick.run
    row = CheckException.objects.create(
        item=tick.item,
        reason=reason.strip(),
        owner=owner or by,
        ends_at=ends_at,
        created_by=by,
        created_at=now,
        **same_place(run),
    )
    tick.exception = row
    tick.save()
    audit.record(at=now, actor=by, verb="check.excused", target=str(row)[:200], detail={"reason": row.reason[:300]})
    return row


@transaction.atomic
def withdraw_exception(*, exception: CheckException, by: User, now: datetime) -> CheckException:
    """It counts no more, in runs that are not signed off either."""
    require_respond(by)
    if exception.withdrawn_at is None:
        exception.withdrawn_at = now
        exception.save()
        ChecklistTick.objects.filter(exception=exception, run__finished_at=None).update(exception=None)
        audit.record(at=now, actor=by, verb="check.excuse_withdrawn", target=str(exception)[:200])
    return exception
