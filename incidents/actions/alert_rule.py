"""Rules for alerts: kept, ordered, removed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.permissions import require_administer
from accounts.problems import InvalidInput
from incidents.actions.incident import usual_severity
from incidents.matchers import BadMatcher, parse_matchers
from incidents.models import AlertRule, Severity

FIELDS = (
    "name",
    "enabled",
    "source",
    "matchers",
    "action",
    "severity",
    "severity_label",
    "severities",
    "namespace_label",
    "service_label",
    "cluster_label",
    "group_by",
    "when_ended",
)
USUAL: tuple[Mapping[str, Any], ...] = (
    {
        "name": "Serious alerts open an incident",
        "matchers": 'severity=~"critical|page|high|P1|P2"',
        "action": AlertRule.Action.OPEN,
        "words": {"critical": 2, "page": 2, "high": 2, "P1": 1, "P2": 2},
    },
    {"name": "All others join an open incident", "matchers": "", "action": AlertRule.Action.ATTACH, "words": {}},
)


@transaction.atomic
def save_rule(*, by: User, now: datetime, rule: AlertRule | None = None, via: str = "page", **fields: Any) -> AlertRule:
    """Create or change; a new one comes last. It acts in the name of who saves it. Raises InvalidInput, ValidationError."""
    require_administer(by)
    if unknown := set(fields) - set(FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    created = rule is None
    if rule is None:
        last = AlertRule.objects.order_by("-position").values_list("position", flat=True).first()
        rule = AlertRule(position=0 if last is None else last + 1)
    for name, value in fields.items():
        setattr(rule, name, value)
    rule.name = " ".join(rule.name.split())
    try:
        parse_matchers(rule.matchers)
    except BadMatcher as problem:
        raise InvalidInput("matchers", str(problem)) from None
    known = set(Severity.objects.values_list("pk", flat=True))
    if odd := [word for word, pk in rule.severities.items() if pk not in known]:
        raise InvalidInput("severities", f"{odd[0]}: expected one of the severities under Settings")
    rule.changed_by, rule.changed_at = by, now
    rule.full_clean()
    rule.save()
    verb = "alert_rule.added" if created else "alert_rule.changed"
    detail = {"matchers": rule.matchers, "action": rule.action, "when_ended": rule.when_ended, "on": rule.enabled}
    audit.record(at=now, actor=by, verb=verb, target=rule.name, via=via, detail=detail)
    return rule


@transaction.atomic
def add_usual_rules(*, by: User, now: datetime) -> list[AlertRule]:
    """Those that most teams begin with; a name that is taken stays as it is."""
    require_administer(by)
    ranks = {one.rank: one for one in Severity.objects.all()}
    added = []
    for usual in USUAL:
        if AlertRule.objects.filter(name=usual["name"]).exists():
            continue
        severities = {word: ranks[rank].pk for word, rank in usual["words"].items() if rank in ranks}
        fields = {name: usual[name] for name in ("name", "matchers", "action")}
        added.append(save_rule(by=by, now=now, severity=usual_severity(), severities=severities, **fields))
    return added


@transaction.atomic
def move_rule(*, rule: AlertRule, up: bool, by: User, now: datetime) -> None:
    """One place up or down; at the end nothing happens."""
    require_administer(by)
    rows = list(AlertRule.objects.select_for_update())
    place = rows.index(rule)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(rows):
        return
    rows[place], rows[other] = rows[other], rows[place]
    for position, row in enumerate(rows):
        row.position = position
    AlertRule.objects.bulk_update(rows, ["position"])
    audit.record(at=now, actor=by, verb="alert_rule.moved", target=rule.name, detail={"to": other + 1})


@transaction.atomic
def delete_rule(*, rule: AlertRule, by: User, now: datetime) -> None:
    """What it did stays done."""
    require_administer(by)
    audit.record(at=now, actor=by, verb="alert_rule.deleted", target=rule.name, detail={"matchers": rule.matchers})
    rule.delete()
