"""What each severity asks for: deadlines, and what comes before a post-mortem is published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_administer
from accounts.problems import InvalidInput
from incidents.models import Severity
from incidents.quality import CHECKS

LONGEST_DAYS = 365
LONGEST_MINUTES = 7 * 24 * 60
MOST_APPROVALS = 20
MOST_REVIEWERS = 20
PLAIN = (
    "description",
    "needs_postmortem",
    "postmortem_due_days",
    "due_in_working_days",
    "followup_sla_days",
    "reminder_minutes",
    "approvals_needed",
)


@transaction.atomic
def save_severity(
    *,
    severity: Severity,
    description: str,
    needs_postmortem: bool,
    postmortem_due_days: int | None,
    due_in_working_days: bool,
    followup_sla_days: int,
    reminder_minutes: int,
    approvals_needed: int,
    required_reviewers: Sequence[User],
    required_checks: Sequence[str],
    by: User,
    now: datetime,
    via: str = "page",
) -> Severity:
    """Days and minutes are whole; no `postmortem_due_days` means no deadline. Holds for what is due from now on."""
    require_administer(by)
    row = Severity.objects.select_for_update().get(pk=severity.pk)
    before = _told(row)
    row.description, row.needs_postmortem = " ".join(description.split()), needs_postmortem
    row.postmortem_due_days, row.due_in_working_days = postmortem_due_days, due_in_working_days
    row.followup_sla_days, row.reminder_minutes = followup_sla_days, reminder_minutes
    row.approvals_needed, row.required_checks = approvals_needed, [*dict.fromkeys(required_checks)]
    _check(row, required_reviewers)
    row.full_clean()
    row.save()
    row.required_reviewers.set(required_reviewers)
    after = _told(row)
    detail = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if detail:
        audit.record(at=now, actor=by, verb="severity.changed", target=row.name, via=via, detail=detail)
    return row


def _check(row: Severity, reviewers: Sequence[User]) -> None:
    bounds = (
        ("postmortem_due_days", row.postmortem_due_days, 1, LONGEST_DAYS),
        ("followup_sla_days", row.followup_sla_days, 1, LONGEST_DAYS),
        ("reminder_minutes", row.reminder_minutes, 5, LONGEST_MINUTES),
        ("approvals_needed", row.approvals_needed, 0, MOST_APPROVALS),
    )
    for name, value, least, most in bounds:
        if value is not None and not least <= value <= most:
            raise InvalidInput(name, f"is {value}; expected {least} to {most:,}")
    if unknown := set(row.required_checks) - set(CHECKS):
        raise InvalidInput("required_checks", f"has {', '.join(sorted(unknown))}; expected some of {', '.join(CHECKS)}")
    if len(reviewers) > MOST_REVIEWERS:
        raise InvalidInput("required_reviewers", f"are {len(reviewers)}; expected at most {MOST_REVIEWERS}")


def _told(row: Severity) -> dict[str, Any]:
    people = sorted(one.username for one in row.required_reviewers.all())
    told = {name: getattr(row, name) for name in PLAIN}
    return told | {"required_reviewers": people, "required_checks": list(row.required_checks)}
