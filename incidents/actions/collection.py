"""Begin a round of collecting: rows first, in the caller's transaction, then one task per row."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.models import Collection, Incident
from incidents.planning import plan_collection
from incidents.tasks import enqueue_runs


@transaction.atomic
def start_collection(*, incident: Incident, trigger: str, now: datetime) -> Collection:
    """One run for each planned query of each enabled source in scope, enqueued when the transaction commits."""
    collection, run_ids = plan_collection(incident=incident, trigger=trigger, now=now)
    transaction.on_commit(partial(enqueue_runs, run_ids))
    return collection


def collect_again(*, incident: Incident, by: User, now: datetime) -> Collection:
    """A person asks. Refused while the last round is still under way, and after the evidence was frozen."""
    require_respond(by)
    if incident.evidence_frozen_at is not None:
        raise InvalidInput("", "The evidence was frozen when the incident was resolved. Reopen it to collect again.")
    if incident.collections.filter(finished_at=None).exists():
        raise InvalidInput("", "A collection is under way already.")
    return start_collection(incident=incident, trigger=Collection.Trigger.MANUAL, now=now)
