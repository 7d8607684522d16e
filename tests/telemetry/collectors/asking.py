"""How the tests of collectors ask: the outage's window, small budgets, everything in memory."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from telemetry.observations import Budget, Collector, Observation, Outcome, Query, Scope, Window, Workload

OUTAGE = Window(datetime(2026, 11, 21, 6, 22, tzinfo=UTC), datetime(2026, 11, 21, 7, 5, tzinfo=UTC))
SHOP = Scope(namespaces=("shop",))
CHECKOUT = Scope(workloads=(Workload("Deployment", "shop", "checkout"),))
QUICK = Budget(deadline_seconds=0.8)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-21T{clock}Z")


def ask(
    collector: Collector, name: str, *, scope: Scope = SHOP, window: Window = OUTAGE, budget: Budget = QUICK
) -> tuple[Outcome, list[Observation]]:
    """The outcome and the observations of the planned query `name`, sent through JSON as a task queue would."""
    planned = {query.name: query for query in collector.plan(scope, window)}[name]
    query = Query(planned.name, planned.title, planned.text, json.loads(json.dumps(planned.params)))
    found: list[Observation] = []
    outcome = collector.collect(query, window, budget, found.extend)
    return outcome, found


def written(*values: Any) -> str:
    """Everything in observations and outcomes as one text, to search for what must not be there."""
    return json.dumps([asdict(value) for value in values], default=str)
