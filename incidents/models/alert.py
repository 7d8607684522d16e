"""Rules for alerts that are pushed, what came of each alert, and the mitigation that ended alerts propose."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from incidents.matchers import Matcher, parse_matchers
from incidents.models.incident import Incident, Severity
from telemetry.models import Alert, Source

GROUP_LIMIT = 600


class AlertRule(models.Model):
    """The first enabled rule that matches an alert, in order of `position`, says what becomes of it.

    `matchers` are lines as Prometheus writes them; `severities` maps the words of `severity_label` to ids of
    severities, `severity` is for all others. It acts in the name of `changed_by`.
    """

    class Action(models.TextChoices):
        OPEN = "open", "Open an incident, or join the one that is open"
        ATTACH = "attach", "Only join an open incident"
        IGNORE = "ignore", "Do nothing"

    class WhenEnded(models.TextChoices):
        PROPOSE = "propose", "Propose “mitigated”"
        MARK = "mark", "Mark as mitigated"
        NOTHING = "nothing", "Do nothing"

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="alert_rules")
    matchers = models.TextField(blank=True, max_length=4_000)
    action = models.CharField(max_length=6, choices=Action.choices, default=Action.OPEN)
    severity = models.ForeignKey(Severity, on_delete=models.PROTECT, related_name="+")
    severity_label = models.CharField(max_length=200, default="severity", blank=True)
    severities = models.JSONField(default=dict, blank=True)
    namespace_label = models.CharField(max_length=200, default="namespace", blank=True)
    service_label = models.CharField(max_length=200, default="service", blank=True)
    cluster_label = models.CharField(max_length=200, default="cluster", blank=True)
    group_by = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    when_ended = models.CharField(max_length=7, choices=WhenEnded.choices, default=WhenEnded.PROPOSE)
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def resource_version(self) -> int:
        """Rises with each write: the time of the last, in microseconds."""
        return int(self.changed_at.timestamp() * 1_000_000)

    @cached_property
    def conditions(self) -> list[Matcher]:
        return parse_matchers(self.matchers)

    def matches(self, alert: Alert) -> bool:
        if self.source_id is not None and self.source_id != alert.source_id:
            return False
        labels = {"alertname": alert.title, "severity": alert.severity, **alert.labels}
        return all(one.matches(labels) for one in self.conditions)

    def group_of(self, alert: Alert) -> str:
        """Alerts of one group belong to one incident. Without labels to group by, it is what place they are about."""
        names = self.group_by or [
            name for name in (self.cluster_label, self.namespace_label, self.service_label) if name
        ]
        told = [[name, alert.label(name)] for name in names if alert.label(name)]
        text = json.dumps(told or [["alertname", alert.title]], ensure_ascii=False)
        return text if len(text) <= GROUP_LIMIT else hashlib.sha256(text.encode()).hexdigest()


class DeedQuerySet(models.QuerySet["AlertDeed"]):
    def of_open_incidents(self) -> DeedQuerySet:
        return self.filter(incident__in=Incident.objects.open())

    def for_page(self, person: Any) -> DeedQuerySet:
        """Those that led to an incident which this person may not see are left out."""
        seen = models.Q(incident=None) | models.Q(incident__in=Incident.objects.visible_to(person))
        return self.filter(seen)


class AlertDeed(models.Model):
    """What became of one alert."""

    class Outcome(models.TextChoices):
        OPENED = "opened", "Opened"
        JOINED = "joined", "Joined"
        IGNORED = "ignored", "Ignored"
        UNMATCHED = "unmatched", "No rule matched"
        ALONE = "alone", "No open incident to join"
        REFUSED = "refused", "Not opened"

    alert = models.OneToOneField(Alert, on_delete=models.CASCADE, related_name="deed")
    rule = models.ForeignKey(AlertRule, on_delete=models.SET_NULL, null=True, blank=True, related_name="deeds")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="alert_deeds")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    words = models.CharField(max_length=500, blank=True)
    group = models.CharField(max_length=GROUP_LIMIT, blank=True)
    at = models.DateTimeField()

    objects = DeedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["rule", "group"], name="deeds_of_a_group")]

    def __str__(self) -> str:
        return f"{self.alert_id}: {self.outcome}"


class MitigationProposal(models.Model):
    """All alerts of an incident have ended: somebody decides whether it is mitigated since then."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Fired again"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="mitigation_proposals")
    ended_at = models.DateTimeField()
    alerts = models.PositiveIntegerField(help_text="How many had fired.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident"], condition=models.Q(state="open"), name="one_open_mitigation_proposal"
            )
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} since {self.ended_at:%H:%M:%S}: {self.state}"


def severity_of(rule: AlertRule, alert: Alert, severities: Mapping[int, Severity]) -> Severity:
    """By the word of its label, whatever its case; one that is gone falls back to the rule's own."""
    word = (alert.label(rule.severity_label) if rule.severity_label else "") or alert.severity
    wanted = {str(name).lower(): pk for name, pk in rule.severities.items()}.get(word.lower())
    return severities.get(wanted, rule.severity) if wanted is not None else rule.severity
