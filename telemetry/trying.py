"""Puts one query to one source and keeps what it answered, small enough to show."""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from accounts.encryption import CredentialProblem
from telemetry.models import QueryTrial
from telemetry.observations import Budget, Observation, Outcome, Query, Scope, Status
from telemetry.registry import UnknownKind, collector_for

NAME = "trial"
SHOWN = 5
BUDGET = Budget(deadline_seconds=20, requests=20, items=500, bytes=8 * 2**20, series=10)
KEPT = timedelta(hours=1)
LONGEST = timedelta(seconds=90)
log = logging.getLogger(__name__)


def try_out(trial_id: int) -> None:
    """Once: a trial that is under way or done is left alone."""
    if not QueryTrial.objects.filter(pk=trial_id, state=QueryTrial.State.QUEUED).update(state=QueryTrial.State.RUNNING):
        return
    trial = QueryTrial.objects.select_related("source__cluster").get(pk=trial_id)
    found: list[Observation] = []
    outcome, sent = _asked(trial, found)
    trial.sent, trial.outcome = sent, _plain(asdict(outcome))
    trial.observations = [_plain(asdict(one)) for one in found[:SHOWN]]
    trial.state, trial.finished_at = QueryTrial.State.DONE, timezone.now()
    trial.save()


def _asked(trial: QueryTrial, found: list[Observation]) -> tuple[Outcome, str]:
    entry = {"name": NAME, "title": "Tried out", "expr": trial.expr, "unit": trial.unit, "beside": True}
    try:
        names, services = trial.scope.get("namespaces", ()), trial.scope.get("services", ())
        scope = Scope(namespaces=tuple(names), services=tuple(services))
        collector = collector_for(trial.source.kind)(trial.source.connection([entry]))
        planned: list[Query] = collector.plan(scope, trial.window())
        query = next((one for one in planned if one.name == NAME), None)
        if query is None:
            return Outcome(Status.INVALID_QUERY, reason="This source takes no queries of this kind."), ""
        own = asdict(trial.source.budget_of(BUDGET))
        budget = Budget(**{name: min(own[name], most) for name, most in asdict(BUDGET).items()})
        return collector.collect(query, trial.window(), budget, found.extend), query.text
    except (CredentialProblem, UnknownKind) as problem:
        return Outcome(Status.NOT_CONFIGURED, reason=str(problem)), ""
    except SoftTimeLimitExceeded:
        return Outcome(Status.TIMEOUT, reason="No answer within the time limit."), ""
    except Exception as problem:
        # Whoever tries it is waiting for an answer; the type alone, since the text may quote the backend.
        log.exception("trial %s failed", trial.pk)
        return Outcome(Status.ERROR, reason=f"It could not be asked ({type(problem).__name__})."), ""


def give_up(trial: QueryTrial, now: datetime) -> None:
    """A trial whose worker died or was never there ends too, so that no page asks for ever."""
    overdue = QueryTrial.objects.filter(pk=trial.pk, asked_at__lt=now - LONGEST).exclude(state=QueryTrial.State.DONE)
    outcome = Outcome(Status.TIMEOUT, reason="No worker answered.", remedy="See under Sources whether a worker lives.")
    if overdue.update(state=QueryTrial.State.DONE, outcome=_plain(asdict(outcome)), finished_at=now):
        trial.refresh_from_db()


def _plain(value: Any) -> Any:
    """Dates as text, enums as their values: what a JSON column takes."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def prune(now: datetime) -> int:
    return QueryTrial.objects.filter(asked_at__lt=now - KEPT).delete()[0]
