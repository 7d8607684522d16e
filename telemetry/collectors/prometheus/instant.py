"""Single answers of the present: an instant query, and the alerting rules that are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from telemetry.collectors.prometheus.dialects import Dialect
from telemetry.collectors.queries import LONGEST_EXPRESSION
from telemetry.http import Http, SourceError
from telemetry.observations import Budget, Connection, Status
from telemetry.redaction import Redactor

QUERY = "/api/v1/query"
RULES = "/api/v1/rules"
Row = dict[str, Any]


def instant(connection: Connection, dialect: Dialect, expr: str, *, at: datetime, budget: Budget) -> list[Row]:
    """The series of an instant vector, `{"metric", "value"}` each, or one for a scalar; raises `SourceError`."""
    if not expr or len(expr) > LONGEST_EXPRESSION:
        raise SourceError(Status.INVALID_QUERY, f"expected an expression of 1 to {LONGEST_EXPRESSION:,} characters")
    form = {"query": expr, "time": f"{at.timestamp():.3f}", **dialect.form}
    data = _asked(connection, dialect, budget, lambda http: http.post(QUERY, form=form).json_object())
    rows = data.get("result")
    if data.get("resultType") == "scalar":
        rows = [{"metric": {}, "value": rows}]
    elif data.get("resultType") != "vector":
        raise SourceError(Status.INVALID_QUERY, "the expression gives no instant vector")
    if not isinstance(rows, list) or len(rows) > budget.items:
        raise SourceError(Status.TRUNCATED, f"more than {budget.items:,} series", remedy="Aggregate in the query.")
    return _clean(rows, connection)


def alerting_rules(connection: Connection, dialect: Dialect, *, budget: Budget) -> list[Row]:
    """`{"name", "query", "labels", "annotations", …}` of each alerting rule; raises `SourceError`."""
    data = _asked(connection, dialect, budget, lambda http: http.get(RULES, {"type": "alert"}).json_object())
    groups = data.get("groups")
    if not isinstance(groups, list):
        raise SourceError(Status.ERROR, "the answer holds no groups of rules")
    rules = [rule for group in groups if isinstance(group, dict) for rule in group.get("rules") or []]
    return _clean([rule for rule in rules if isinstance(rule, dict) and rule.get("type") == "alerting"], connection)


def _asked(connection: Connection, dialect: Dialect, budget: Budget, ask: Any) -> Mapping[str, Any]:
    try:
        with Http.for_connection(connection, budget) as http:
            answer = ask(http)
    except SourceError as error:
        raise dialect.explain(error) from None
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict):
        raise SourceError(Status.ERROR, "the answer is not Prometheus's", remedy="Check the address of this source.")
    return data


def _clean(rows: list[Any], connection: Connection) -> list[Row]:
    redactor = Redactor(connection.options.get("redact"))
    trimmed = redactor.value([row for row in rows if isinstance(row, dict)]).value
    return list(trimmed)
