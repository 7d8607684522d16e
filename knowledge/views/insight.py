"""Insight: what the incidents of a time have in common, and the numbers behind each chart as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.durations import PAIRS, spoken
from incidents.models import Severity
from incidents.views.access import person
from knowledge.exports.cells import cell
from knowledge.insight import drawing, reading
from knowledge.insight.numbers import Numbers
from knowledge.insight.period import LENGTHS, Period, period_of

FEW = 5


@require_GET
def insight(request: HttpRequest) -> HttpResponse:
    """`?months=12&severity=SEV1&service=checkout&metric=TTM`."""
    now, me = timezone.now(), person(request)
    period = period_of(request.GET, now)
    metric = request.GET.get("metric", "")
    metric = metric if metric in PAIRS else "TTM"
    rows = reading.rows_of(period, me)
    months = reading.by_month(rows, period)
    followups = reading.followups(period, me, now)
    query = request.GET.copy()
    query.pop("metric", None)
    context = {
        "period": period,
        "total": len(rows),
        "few": FEW,
        "stats": _stats(reading.durations(rows), reading.durations(reading.rows_of(period, me, before=True))),
        "metric": metric,
        "metric_name": PAIRS[metric][2],
        "metrics": list(PAIRS),
        "query": query.urlencode(),
        "months": [(month, count, took[metric]) for month, count, took in months],
        "chart": drawing.months_chart(
            [(f"{month:%b}", took[metric].median, took[metric].p90) for month, _, took in months],
            f"{PAIRS[metric][2]} by month",
        ),
        "severities": reading.by_severity(rows),
        "services": reading.by_service(rows),
        "detection": reading.detection(rows),
        "recurring": reading.recurring(rows),
        "followups": followups,
        "followup_chart": drawing.bars_chart(
            [(f"{month:%b}", *counts) for month, counts in zip(period.months, followups.by_month, strict=True)],
            "Follow-ups by month",
            ("opened", "done"),
        ),
        "lessons": reading.lessons_back(period, me),
        "lengths": LENGTHS.items(),
        "all_severities": Severity.objects.all(),
    }
    return render(request, "knowledge/insight.html", context)


def _stats(now: dict[str, Numbers], before: dict[str, Numbers]) -> list[tuple[str, Numbers, str, str]]:
    """(name, numbers, how it compares, its tone); compared only where both times have enough."""
    found = []
    for name, (_, _, full) in PAIRS.items():
        said, tone = _compared(now[name], before[name])
        found.append((full, now[name], said, tone))
    return found


def _compared(now: Numbers, before: Numbers) -> tuple[str, str]:
    if now.median is None or before.median is None or min(now.count, before.count) < FEW:
        return "", ""
    change = now.median - before.median
    if abs(change) < max(60.0, before.median * 0.05):
        return "about as in the time before", ""
    return (f"{spoken(-change)} faster", "good") if change < 0 else (f"{spoken(change)} slower", "bad")


@require_GET
def insight_csv(request: HttpRequest, name: str) -> HttpResponse:
    """The rows behind one chart; durations in whole seconds, empty where nothing can be told."""
    if name not in TABLES:
        raise Http404
    now = timezone.now()
    period = period_of(request.GET, now)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="debrief-{name}.csv"'
    writer = csv.writer(answer)
    for row in TABLES[name](period, person(request), now):
        writer.writerow([cell(one) for one in row])
    return answer


def _cells(took: dict[str, Numbers]) -> list[Any]:
    return [
        "" if value is None else round(value) for one in took.values() for value in (one.count, one.median, one.p90)
    ]


HEAD = [f"{name}_{part}" for name in PAIRS for part in ("count", "median_seconds", "p90_seconds")]
Table = Iterable[Sequence[Any]]


def _months(period: Period, me: Any, _: Any) -> Table:
    yield ["month", "incidents", *HEAD]
    for month, count, took in reading.by_month(reading.rows_of(period, me), period):
        yield [f"{month:%Y-%m}", count, *_cells(took)]


def _severities(period: Period, me: Any, _: Any) -> Table:
    yield ["severity", *HEAD]
    for name, took in reading.by_severity(reading.rows_of(period, me)):
        yield [name, *_cells(took)]


def _services(period: Period, me: Any, _: Any) -> Table:
    yield ["service", "incidents", *HEAD]
    for name, count, took in reading.by_service(reading.rows_of(period, me)):
        yield [name, count, *_cells(took)]


def _detection(period: Period, me: Any, _: Any) -> Table:
    yield ["detected_by", "incidents"]
    for value, label, count in reading.detection(reading.rows_of(period, me)):
        yield [value or label, count]


def _recurring(period: Period, me: Any, _: Any) -> Table:
    yield ["kind", "signal", "incidents", "newest"]
    for one in reading.recurring(reading.rows_of(period, me)):
        yield [one.kind, one.label, one.count, " ".join(f"INC-{number}" for number in one.numbers)]


def _followups(period: Period, me: Any, now: Any) -> Table:
    yield ["month", "opened", "done"]
    for month, counts in zip(period.months, reading.followups(period, me, now).by_month, strict=True):
        yield [f"{month:%Y-%m}", *counts]


def _lessons(period: Period, me: Any, _: Any) -> Table:
    yield ["lesson", "statement", "came_back", "helped", "did_not_help"]
    for one in reading.lessons_back(period, me):
        yield [one.lesson.key, one.lesson.statement, one.shown, one.helped, one.ignored]


TABLES: dict[str, Callable[[Period, Any, Any], Table]] = {
    "months": _months,
    "severities": _severities,
    "services": _services,
    "detection": _detection,
    "recurring": _recurring,
    "follow-ups": _followups,
    "lessons": _lessons,
}
