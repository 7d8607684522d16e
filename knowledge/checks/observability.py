"""Whether anybody could notice that a service is ill: its metrics, logs, traces and alerts."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.checks import naming
from knowledge.checks.base import FAIL, PASS, UNKNOWN, Answer, Check, Facts, Finding, Param, Readings, names_in, plural
from knowledge.checks.workloads import mapping
from telemetry.collectors.queries import regexp_of
from telemetry.observations import EvidenceType

GROUP = "Observability"
NO_PROMETHEUS = "No source that speaks Prometheus's API is connected."
ADD_SOURCE = "Connect one under Sources."
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def scraped(readings: Readings, params: Mapping[str, Any]) -> Finding:
    place = readings.place
    answers = readings.instant("up" + (f'{{namespace="{regexp_of([place.namespace])}"}}' if place.namespace else ""))
    if not answers:
        return arriving(readings, EvidenceType.METRIC, params["minutes"], NO_PROMETHEUS)
    rows = [(one.source, row) for one in answers for row in one.rows if _about(mapping(row.get("metric")), readings)]
    up = [value_of(row) == 1 for _, row in rows]
    cells = tuple(
        (source, str(mapping(row.get("metric")).get("job") or ""), _instance(row), "up" if alive else "down")
        for (source, row), alive in zip(rows, up, strict=True)
    )
    facts = _facts(answers, ("Source", "Job", "Target", "State"), cells, readings)
    if rows and all(up):
        return Finding(PASS, f"{plural(len(rows), 'target')} of {place.words} scraped and up.", "", facts)
    if blind := _unread(answers, facts):
        return blind
    if not rows:
        remedy = "Add a ServiceMonitor, a PodMonitor or a scrape configuration that finds its pods."
        return Finding(FAIL, f"No target of {place.words} is scraped.", remedy, facts)
    down = sum(not alive for alive in up)
    return Finding(
        FAIL, f"{down} of {plural(len(rows), 'target')} down.", "Look at the scrape error of these targets.", facts
    )


def _about(labels: Mapping[str, Any], readings: Readings) -> bool:
    names = readings.place.names
    return not names or any(naming.names_it(labels, name) for name in names)


def _instance(row: Mapping[str, Any]) -> str:
    labels = mapping(row.get("metric"))
    return str(labels.get("pod") or labels.get("instance") or "")


def logs(readings: Readings, params: Mapping[str, Any]) -> Finding:
    return arriving(readings, EvidenceType.LOG, params["minutes"], "No source that keeps logs is connected.")


def traces(readings: Readings, params: Mapping[str, Any]) -> Finding:
    if not readings.place.names:
        return Finding(
            UNKNOWN,
            "Traces are found by the name of a service, and this run names none.",
            "Start a run that names the service as its traces do.",
        )
    return arriving(readings, EvidenceType.TRACE, params["minutes"], "No source that keeps traces is connected.")


def arriving(readings: Readings, signal: EvidenceType, minutes: int, none: str) -> Finding:
    """Something of the place within the last minutes, in whichever source keeps such."""
    found = readings.arrivals(signal, minutes)
    if not found:
        return Finding(UNKNOWN, none, ADD_SOURCE)
    rows = tuple((one.source, f"{one.count:,}", one.reason or "read") for one in found)
    requests = "\n".join(dict.fromkeys(one.request for one in found if one.request))
    facts = Facts(("Source", "Found", "Read"), rows, requests, ", ".join(one.source for one in found), readings.now)
    told = [one for one in found if one.count]
    what = {EvidenceType.LOG: "logs", EvidenceType.TRACE: "traces"}.get(signal, "metrics")
    if told:
        said = f"{told[0].source} holds {what} of {readings.place.words} from the last {minutes} minutes."
        return Finding(PASS, said, "", facts)
    if blind := [one for one in found if one.reason]:
        reason = "; ".join(f"{one.source}: {one.reason}" for one in blind)
        remedy = "\n".join(dict.fromkeys(one.remedy for one in blind if one.remedy))
        return Finding(UNKNOWN, f"Could not be read: {reason}", remedy, facts)
    said = f"No {what} of {readings.place.words} arrived in the last {minutes} minutes."
    return Finding(
        FAIL, said, f"Send its {what}, under the service's name and namespace as this run names them.", facts
    )


def alerts(readings: Readings, params: Mapping[str, Any]) -> Finding:
    answers = readings.alert_rules()
    senders, seen = readings.alerts_seen()
    named = [(one.source, rule) for one in answers for rule in one.rows if _concerns(rule, readings)]
    rows = [(source, str(rule.get("name")), str(rule.get("query") or "")[:200]) for source, rule in named]
    rows += [(one.source, one.title, f"fired {one.at:%Y-%m-%d %H:%M} UTC") for one in seen[:20]]
    facts = _facts(answers, ("Source", "Alert", "Rule"), tuple(rows), readings)
    if named or seen:
        names = list(dict.fromkeys(row[1] for row in rows))
        return Finding(PASS, f"Alerts that name {readings.place.words}: {names_in(names)}.", "", facts)
    if blind := _unread(answers, facts):
        return blind
    if not answers and not senders:
        return Finding(UNKNOWN, "No source of alerts or of their rules is connected.", ADD_SOURCE, facts)
    if senders:
        said = (
            f"No alert of {readings.place.words} has arrived from {names_in(senders)}; its rules cannot be read there."
        )
        return Finding(UNKNOWN, said, "Connect the Prometheus that holds the rules, or fire its alert once.", facts)
    general = sum(len(one.rows) for one in answers)
    more = f" {plural(general, 'rule')} of no named place may still apply." if general else ""
    remedy = "Add a rule on what users notice, with the namespace or the service in its expression or labels."
    return Finding(FAIL, f"No alerting rule names {readings.place.words}.{more}", remedy, facts)


def _concerns(rule: Mapping[str, Any], readings: Readings) -> bool:
    place = readings.place
    asked = naming.asked_for(str(rule.get("query") or ""))
    labels = mapping(rule.get("labels"))
    if place.namespace and naming.is_of_another(labels, asked, place.namespace):
        return False
    if place.names:
        return any(naming.names_it(labels, name) or naming.asks_for(asked, name) for name in place.names)
    named = naming.names_namespace(labels, place.namespace) or naming.asks_for_namespace(asked, place.namespace)
    return bool(place.namespace) and named


def condition(readings: Readings, params: Mapping[str, Any]) -> Finding:
    answers = readings.instant(params["expression"])
    if not answers:
        return Finding(UNKNOWN, NO_PROMETHEUS, ADD_SOURCE)
    rows = [(one.source, row, value_of(row)) for one in answers for row in one.rows]
    cells = tuple(
        (source, _labels(row), "not a number" if value is None else f"{value:g}") for source, row, value in rows
    )
    facts = _facts(answers, ("Source", "Series", "Value"), cells, readings)
    wanted = f"{params['comparison']} {params['value']:g}"
    off = [f"{_labels(row)} is {value:g}" for _, row, value in rows if value is not None and not _holds(value, params)]
    if off:
        return Finding(FAIL, f"Expected {wanted}: {names_in(off)}.", "", facts)
    if blind := _unread(answers, facts):
        return blind
    if any(value is None for _, _, value in rows):
        return Finding(UNKNOWN, "A value is not a number, so the condition cannot be judged.", "", facts)
    if not rows:
        remedy = "Correct the expression, or say in the parameter empty what an empty answer means."
        return Finding(
            params["empty"], "The expression gives no series.", remedy if params["empty"] != PASS else "", facts
        )
    return Finding(PASS, f"{plural(len(rows), 'series', 'series')} {wanted}.", "", facts)


def _holds(value: float, params: Mapping[str, Any]) -> bool:
    return bool(COMPARISONS[params["comparison"]](value, params["value"]))


def value_of(row: Mapping[str, Any]) -> float | None:
    """The sample of one series of an instant vector; None for what is no finite number."""
    pair = row.get("value")
    try:
        value = float(pair[1]) if isinstance(pair, list) and len(pair) == 2 else None
    except (TypeError, ValueError):
        return None
    return value if value is not None and abs(value) != float("inf") and value == value else None


def _labels(row: Mapping[str, Any]) -> str:
    labels = {str(key): str(value) for key, value in mapping(row.get("metric")).items()}
    return json.dumps(dict(sorted(labels.items())), ensure_ascii=False)[:200] if labels else "the value"


def _unread(answers: Sequence[Answer], facts: Facts) -> Finding | None:
    blind = [one for one in answers if one.reason]
    if not blind:
        return None
    remedy = "\n".join(dict.fromkeys(one.remedy for one in blind if one.remedy))
    return Finding(UNKNOWN, f"Could not be read: {'; '.join(f'{o.source}: {o.reason}' for o in blind)}", remedy, facts)


def _facts(
    answers: Sequence[Answer], columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], readings: Readings
) -> Facts:
    requests = "\n".join(dict.fromkeys(one.request for one in answers if one.request))
    return Facts(columns, rows, requests, ", ".join(one.source for one in answers), readings.now)


MINUTES = Param("minutes", "Within so many minutes", default=60, least=5, most=1_440)
CHECKS = (
    Check(
        *("metrics_scraped", "Metrics are scraped", GROUP, "service", ("metrics",), scraped),
        "Every target of the place is up, in the Prometheus that scrapes it.",
        (MINUTES,),
    ),
    Check(
        *("logs_arriving", "Logs arrive", GROUP, "service", ("logs",), logs),
        "Asks every source that keeps logs for lines of the service.",
        (MINUTES,),
    ),
    Check(
        *("traces_arriving", "Traces arrive", GROUP, "service", ("traces",), traces),
        "Asks every source that keeps traces for those of the service that took a millisecond or more.",
        (MINUTES,),
    ),
    Check(
        *("alerts_exist", "An alert exists for it", GROUP, "service", ("alert rules", "alerts"), alerts),
        "A rule of Prometheus that names the place, or an alert of it that has arrived.",
    ),
    Check(
        *("promql", "A condition of your own in PromQL", GROUP, "any", ("metrics",), condition),
        "{namespaces}, {workloads} and {services} become the place of the run; every series has to meet the comparison.",
        (
            Param("expression", "Expression", "text", "", "an expression in PromQL", required=True, longest=4_000),
            Param("comparison", "Comparison", "choice", ">=", choices=tuple(COMPARISONS)),
            Param("value", "Value", "number", 1, least=-1e15, most=1e15),
            Param("empty", "An empty answer is", "choice", UNKNOWN, choices=(UNKNOWN, FAIL, PASS)),
        ),
    ),
)
