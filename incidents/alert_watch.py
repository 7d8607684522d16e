"""Looks at alerts whose status has changed and does what the first rule that matches says.

Like a chat service it stands above the actions and calls them. One transaction a look, under one row's lock: of two
workers one looks, and after a crash the next look sees the same again and finds what it did.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.alert import all_ended, join_by_rule, note_deed, open_by_rule
from incidents.alert_places import Place, holding, place_of
from incidents.models import AlertDeed, AlertRule, Incident, Severity, SignalWatch
from incidents.models.alert import severity_of
from incidents.models.incident import PAD
from telemetry.models import Alert, Cluster
from telemetry.models.alert import AlertStatus

# What goes on comes again with the next look, so one look need not take it all within its time.
MOST_LOOKED_AT = 200
# When everything falls over, a few incidents are enough to wake people; the other alerts say why they opened none.
MOST_OPENED, WITHIN = 5, timedelta(minutes=10)
# An alert that had ended before anybody could look opens nothing; nor does one of yesterday that is sent again.
OLDEST = timedelta(hours=24)

log = logging.getLogger(__name__)


@shared_task(name="incidents.alert_watch.watch_alerts", soft_time_limit=25, time_limit=30)
def watch_alerts() -> int:
    return look(timezone.now())


def look(now: datetime) -> int:
    """How many alerts were acted on; 0 while another worker looks."""
    if not (Alert.objects.to_handle().exists() or _left_alone().exists()):
        return 0
    with transaction.atomic():
        if SignalWatch.held(now, name="alerts") is None:
            return 0
        # What a webhook holds just now is taken with the next look.
        rows = Alert.objects.to_handle().select_for_update(of=("self",), skip_locked=True)
        rows = rows.select_related("source", "deed__rule__changed_by")
        changed, alone = list(rows[:MOST_LOOKED_AT]), list(_left_alone()[:MOST_LOOKED_AT])
        seen = _Look(now)
        seen.act(changed)
        seen.reconsider(alone)
    return len(changed) + len(alone)


def _left_alone() -> models.QuerySet[AlertDeed]:
    """Firing alerts that found no incident to join, where one was opened or changed since."""
    newest = Incident.objects.open().aggregate(newest=Max("updated_at"))["newest"]
    rows = AlertDeed.objects.filter(
        outcome=AlertDeed.Outcome.ALONE, alert__status=AlertStatus.FIRING, rule__enabled=True
    )
    found = rows.filter(at__lt=newest) if newest else rows.none()
    return found.select_related("alert__source", "rule__changed_by").order_by("at", "pk")


class _Look:
    """One look: the rules, the open incidents, and what was opened lately."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        rows = AlertRule.objects.filter(enabled=True)
        self._rules = list(rows.select_related("severity", "changed_by"))
        self._severities = {one.pk: one for one in Severity.objects.all()}
        self._clusters = list(Cluster.objects.all())
        self._incidents = list(Incident.objects.open().prefetch_related("clusters", "milestones").order_by("-number"))
        deeds = AlertDeed.objects.of_open_incidents().exclude(group="").order_by("incident__number")
        self._groups = {(deed.rule_id, deed.group): deed.incident_id for deed in deeds}
        lately = AlertDeed.objects.filter(outcome=AlertDeed.Outcome.OPENED, at__gt=now - WITHIN)
        self._opened = Counter(lately.values_list("rule", flat=True))

    def act(self, alerts: list[Alert]) -> None:
        ended: set[int] = set()
        # Those that open incidents come first, so that the others of the same moment can join them.
        for alert in sorted(alerts, key=self._opens_none):
            deed = getattr(alert, "deed", None)
            if deed is None:
                deed = self._decided(alert)
            if not alert.is_firing and deed is not None and deed.incident_id is not None:
                ended.add(deed.incident_id)
            alert.handled = alert.status
        Alert.objects.bulk_update(alerts, ["handled"], batch_size=500)
        for incident_id in sorted(ended):
            self._ended(incident_id)

    def reconsider(self, deeds: list[AlertDeed]) -> None:
        for deed in deeds:
            rule = deed.rule
            incident = holding(place_of(deed.alert, rule, self._clusters), self._incidents) if rule else None
            if rule is not None and incident is not None:
                self._late(deed, rule, incident)
        AlertDeed.objects.filter(pk__in=[deed.pk for deed in deeds]).update(at=self._now)

    def _late(self, deed: AlertDeed, rule: AlertRule, incident: Incident) -> None:
        try:
            with transaction.atomic():
                join_by_rule(alert=deed.alert, rule=rule, incident=incident, group=deed.group, now=self._now)
        except (PermissionProblem, InvalidInput, ValidationError):
            log.exception("alert %s could not join %s", deed.alert_id, incident.key)

    def _opens_none(self, alert: Alert) -> bool:
        rule = self._rule_of(alert)
        return rule is None or rule.action != AlertRule.Action.OPEN

    def _rule_of(self, alert: Alert) -> AlertRule | None:
        return next((one for one in self._rules if one.matches(alert)), None)

    def _decided(self, alert: Alert) -> AlertDeed | None:
        """One that fails in a way nobody thought of must not hold up all others."""
        try:
            with transaction.atomic():
                return self._first(alert)
        except SoftTimeLimitExceeded:
            raise
        except Exception as problem:
            log.exception("alert %s could not be handled", alert.pk)
            words = f"It could not be handled ({type(problem).__name__}); the worker's log says more."
            return note_deed(alert=alert, rule=None, outcome=AlertDeed.Outcome.REFUSED, now=self._now, words=words)

    def _first(self, alert: Alert) -> AlertDeed | None:
        """An alert that nobody has decided about yet."""
        rule = self._rule_of(alert)
        outcome, words, incident = AlertDeed.Outcome.UNMATCHED, "", None
        group = rule.group_of(alert) if rule else ""
        if rule is not None:
            outcome, words, incident = self._by_rule(alert, rule, group)
        if incident is not None and rule is not None:
            self._groups[rule.pk, group] = incident.pk
            return AlertDeed.objects.get(alert=alert)
        return note_deed(alert=alert, rule=rule, outcome=outcome, now=self._now, group=group, words=words)

    def _by_rule(self, alert: Alert, rule: AlertRule, group: str) -> tuple[AlertDeed.Outcome, str, Incident | None]:
        if rule.action == AlertRule.Action.IGNORE:
            return AlertDeed.Outcome.IGNORED, "", None
        place = place_of(alert, rule, self._clusters)
        grouped = self._groups.get((rule.pk, group))
        incident = next((one for one in self._incidents if one.pk == grouped), None)
        incident = incident or holding(place, self._incidents)
        if incident is not None and alert.ends_at is not None and alert.ends_at < incident.band()[0] - PAD:
            return AlertDeed.Outcome.ALONE, f"It had ended before {incident.key} began.", None
        if incident is not None:
            join_by_rule(alert=alert, rule=rule, incident=incident, group=group, now=self._now)
            return AlertDeed.Outcome.JOINED, "", incident
        if rule.action == AlertRule.Action.ATTACH:
            return AlertDeed.Outcome.ALONE, "", None
        return self._open(alert, rule, group, place)

    def _open(
        self, alert: Alert, rule: AlertRule, group: str, place: Place
    ) -> tuple[AlertDeed.Outcome, str, Incident | None]:
        """What cannot be opened says why; a person can still open it."""
        refusal = self._refusal(alert, rule)
        if not refusal:
            severity = severity_of(rule, alert, self._severities)
            try:
                with transaction.atomic():
                    incident = open_by_rule(
                        alert=alert, rule=rule, severity=severity, place=place, group=group, now=self._now
                    )
            except PermissionProblem:
                refusal = f"{rule.changed_by.display_name}, who saved the rule, may not declare any more."
            except (InvalidInput, ValidationError) as problem:
                refusal = f"It could not be declared by itself: {problem}"
            except Exception as problem:
                # One that fails in a way nobody thought of must not hold up all that come after it.
                log.exception("alert %s could not open an incident", alert.pk)
                refusal = f"It could not be declared by itself ({type(problem).__name__}); the worker's log says more."
            else:
                self._opened[rule.pk] += 1
                self._incidents.insert(0, incident)
                return AlertDeed.Outcome.OPENED, "", incident
        return AlertDeed.Outcome.REFUSED, refusal, None

    def _refusal(self, alert: Alert, rule: AlertRule) -> str:
        if alert.status == AlertStatus.RESOLVED:
            return "It had ended before it was looked at."
        if alert.starts_at < self._now - OLDEST:
            return "It has been firing for more than a day."
        if self._opened[rule.pk] >= MOST_OPENED:
            return f"This rule opened {MOST_OPENED} incidents within 10 minutes; this one waits for you."
        return ""

    def _ended(self, incident_id: int) -> None:
        """Whether nothing of the incident fires any more; the rule of what ended last decides."""
        incident = Incident.objects.select_for_update(of=("self",)).filter(pk=incident_id).first()
        rows = AlertDeed.objects.filter(incident=incident_id).select_related("alert", "rule__changed_by")
        deeds = list(rows.order_by("alert__ends_at", "pk"))
        if incident is None or not deeds or any(deed.alert.is_firing for deed in deeds):
            return
        last = deeds[-1]
        if last.alert.ends_at is None:
            return
        try:
            with transaction.atomic():
                all_ended(
                    incident=incident, rule=last.rule, ended_at=last.alert.ends_at, alerts=len(deeds), now=self._now
                )
        except (PermissionProblem, InvalidInput, ValidationError) as problem:
            log.warning("the end of the alerts of %s was not told: %s", incident.key, problem)
