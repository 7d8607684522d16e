"""Taking in post-mortems that were written elsewhere."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.past import record_past_incident
from incidents.models import PostMortem, Severity
from knowledge.importing.planning import Planned
from knowledge.importing.recognising import Recognised
from knowledge.matching import request_matching
from knowledge.models import ImportedDocument


@transaction.atomic
def import_postmortem(*, planned: Planned, by: User, now: datetime, via: str = "cli") -> PostMortem:
    """One planned file becomes a closed incident with its published post-mortem; the same file never twice."""
    require_respond(by)
    document, known = planned.document, planned.recognised
    if document is None or known is None or not planned.is_new:
        raise InvalidInput("path", planned.problem or f"is {planned.known} already")
    if ImportedDocument.objects.filter(digest=document.digest).exists():
        raise InvalidInput("path", "was imported meanwhile")
    postmortem = record_past_incident(
        title=known.title,
        body=_without_title(document.body, known.title),
        at=min(known.at or now, now),
        severity=Severity.objects.filter(rank=known.severity).first() if known.severity else None,
        services=known.services,
        labels=known.tags,
        milestones=_milestones(known, now),
        by=by,
        now=now,
        via=via,
    )
    ImportedDocument.objects.create(
        digest=document.digest, path=planned.place, postmortem=postmortem, imported_by=by, imported_at=now
    )
    request_matching(postmortem.incident_id, now)
    return postmortem


def _milestones(known: Recognised, now: datetime) -> dict[str, datetime]:
    told = {
        "impact_started": known.started_at,
        "detected": known.detected_at,
        "mitigated": known.mitigated_at,
        "resolved": known.resolved_at,
    }
    return {kind: at for kind, at in told.items() if at is not None and at <= now}


def _without_title(body: str, title: str) -> str:
    """The first heading is left out where it says what the title says, to the letter."""
    first, _, rest = body.lstrip().partition("\n")
    is_title = first.startswith("# ") and first[2:].strip().strip("#").strip() == title
    return rest.lstrip("\n") if is_title and rest.strip() else body
