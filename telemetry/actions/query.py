"""Query templates kept, removed and tried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_administer
from accounts.problems import InvalidInput
from telemetry.models import QueryTemplate, QueryTrial, Source
from telemetry.registry import COLLECTORS

FIELDS = ("name", "title", "language", "source", "expr", "unit", "services", "namespaces", "enabled")
LONGEST_TRIAL = timedelta(days=7)
# By name: tasks stand beside.
TRY = "telemetry.tasks.try_query"


@transaction.atomic
def save_template(*, by: User, now: datetime, template: QueryTemplate | None = None, **fields: Any) -> QueryTemplate:
    """Create or change. Raises InvalidInput, ValidationError."""
    require_administer(by)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    created = template is None
    template = template or QueryTemplate()
    for name, value in fields.items():
        setattr(template, name, value)
    template.expr = template.expr.strip()
    if template.source is not None and _language(template.source) != template.language:
        told = _language(template.source) or "no language"
        raise InvalidInput(
            "source", f"{template.source.name} speaks {told}; expected one that speaks {template.language}"
        )
    template.changed_by, template.changed_at = by, now
    template.full_clean()
    template.save()
    verb = "query_template.added" if created else "query_template.changed"
    audit.record(at=now, actor=by, verb=verb, target=template.name, detail={"expr": template.expr[:500]})
    return template


@transaction.atomic
def delete_template(*, template: QueryTemplate, by: User, now: datetime) -> None:
    """What it brought in stays as evidence."""
    require_administer(by)
    audit.record(at=now, actor=by, verb="query_template.deleted", target=template.name)
    template.delete()


@transaction.atomic
def start_trial(
    *,
    source: Source,
    expr: str,
    unit: str,
    scope: Mapping[str, Any],
    window_from: datetime,
    window_to: datetime,
    by: User,
    now: datetime,
) -> QueryTrial:
    """The row, and the task that asks. `scope` holds `namespaces` and `services`."""
    require_administer(by)
    if not _language(source):
        raise InvalidInput("source", f"{source.name} takes no queries; expected one of Prometheus, Loki and the like")
    if not expr.strip():
        raise InvalidInput("expr", "is empty; expected a query")
    if window_to <= window_from or window_to - window_from > LONGEST_TRIAL:
        raise InvalidInput("window", "expected a stretch of up to 7 days")
    trial = QueryTrial.objects.create(
        source=source,
        expr=expr.strip(),
        unit=unit,
        scope=dict(scope),
        window_from=window_from,
        window_to=window_to,
        asked_by=by,
        asked_at=now,
    )
    transaction.on_commit(partial(current_app.send_task, TRY, [trial.pk]))
    return trial


def _language(source: Source) -> str:
    kind = COLLECTORS.get(source.kind)
    return kind.facts.language if kind else ""
