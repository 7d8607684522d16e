"""Incidents of the past, with the post-mortem that was written of them elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.incident import clean_title, usual_severity
from incidents.actions.milestone import write_milestone
from incidents.models import Counter, Incident, PostMortem, Publication, Severity
from incidents.models.incident import ClosureReason, Status
from incidents.models.postmortem import BODY_LIMIT
from incidents.writing.documents import plain_lines
from incidents.writing.revisions import keep_revision

LABEL = "imported"
SERVICE_LIMIT, LABEL_LIMIT = 200, 60


@transaction.atomic
def record_past_incident(
    *,
    title: str,
    body: str,
    at: datetime,
    by: User,
    now: datetime,
    severity: Severity | None = None,
    services: Sequence[str] = (),
    labels: Sequence[str] = (),
    milestones: Mapping[str, datetime] | None = None,
    via: str = "cli",
) -> PostMortem:
    """INC-n, closed, with its published post-mortem. No source is asked and no chat is told: it is long over.

    `milestones` are those that are known, by kind. Without a severity the usual one stands in until somebody chooses.
    """
    require_respond(by)
    if at > now:
        raise InvalidInput("at", "has not come yet; expected a time in the past")
    text = plain_lines(body)
    if not text.strip() or len(text) > BODY_LIMIT:
        raise InvalidInput("body", f"has {len(text):,} characters; expected 1 to {BODY_LIMIT:,}")
    incident = Incident(
        title=clean_title(title),
        severity=severity or usual_severity(),
        severity_is_open=severity is None,
        status=Status.CLOSED,
        closure_reason=ClosureReason.RESOLVED,
        declared_by=by,
        declared_at=at,
        services=[name[:SERVICE_LIMIT] for name in services],
        labels=list(dict.fromkeys([LABEL, *(name[:LABEL_LIMIT] for name in labels)])),
        evidence_frozen_at=now,
        number=0,
    )
    incident.clean_fields(exclude=["number", "severity", "declared_by"])
    incident.number = Counter.take("INC")
    incident.save()
    for kind, when in (milestones or {}).items():
        write_milestone(incident=incident, kind=kind, at=when, by=by)
    postmortem = _published(incident, text, at, by, now)
    audit.record(at=now, actor=by, verb="postmortem.imported", target=incident.key, via=via)
    return postmortem


def _published(incident: Incident, text: str, at: datetime, by: User, now: datetime) -> PostMortem:
    postmortem = PostMortem.objects.create(
        incident=incident,
        title=incident.title,
        body=text,
        state=PostMortem.State.PUBLISHED,
        edited_by=by,
        published_title=incident.title,
        published_body=text,
        published_at=at,
        published_by=by,
    )
    Publication.objects.create(
        postmortem=postmortem, number=1, title=incident.title, body=text, published_at=at, published_by=by
    )
    keep_revision(postmortem, by, now, note="Imported", always=True)
    return postmortem
