from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts.models import User, Versioned
from accounts.permissions import can_administer
from telemetry.models import Cluster
from telemetry.observations import Scope, Window, Workload

PAD = timedelta(minutes=15)
TITLE_LIMIT = 200
USUAL_RANK = 3


class Severity(models.Model):
    """SEV1 to SEV4 as shipped; an admin may change names, deadlines and rules."""

    name = models.CharField(max_length=20, unique=True)
    rank = models.PositiveSmallIntegerField(unique=True, help_text="1 is the worst; also chooses the shape, 1 to 4.")
    description = models.CharField(max_length=200, blank=True)
    needs_postmortem = models.BooleanField(default=False)
    postmortem_due_days = models.PositiveSmallIntegerField(null=True, blank=True)
    due_in_working_days = models.BooleanField(default=False)
    followup_sla_days = models.PositiveSmallIntegerField(default=30)
    reminder_minutes = models.PositiveSmallIntegerField(default=60)
    approvals_needed = models.PositiveSmallIntegerField(
        default=0, help_text="So many reviewers must approve a post-mortem before it is published."
    )
    required_reviewers = models.ManyToManyField(
        User, blank=True, related_name="+", help_text="Each of them must approve."
    )
    required_checks = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Hints on quality that block publishing."
    )

    class Meta:
        ordering = ["rank"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def usual(cls, severities: Iterable[Severity]) -> Severity | None:
        """For what nobody has judged yet: the third, or the mildest of fewer."""
        known = sorted(severities, key=lambda one: one.rank)
        mild = [one for one in known if one.rank <= USUAL_RANK] or known
        return mild[-1] if mild else None

    def postmortem_due(self, resolved_at: datetime) -> datetime | None:
        """Calendar or working days after the incident was resolved."""
        if self.postmortem_due_days is None:
            return None
        due, left = resolved_at, self.postmortem_due_days
        while left:
            due += timedelta(days=1)
            if not self.due_in_working_days or due.weekday() < 5:
                left -= 1
        return due


class Kind(models.TextChoices):
    INCIDENT = "incident", "Incident"
    DRILL = "drill", "Drill"


class Status(models.TextChoices):
    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    MITIGATED = "mitigated", "Mitigated"
    RESOLVED = "resolved", "Resolved"
    CLOSED = "closed", "Closed"


class Visibility(models.TextChoices):
    INTERNAL = "internal", "Internal"
    RESTRICTED = "restricted", "Restricted"


class ClosureReason(models.TextChoices):
    RESOLVED = "resolved", "Resolved"
    DUPLICATE = "duplicate", "Duplicate"
    FALSE_POSITIVE = "false_positive", "False positive"
    CANCELLED = "cancelled", "Cancelled"


class DetectedBy(models.TextChoices):
    UNSAID = "", "Not said"
    ALERT = "alert", "An alert"
    CUSTOMER = "customer", "A customer"
    PERSON = "person", "Somebody of ours"


OPEN_STATUSES = (Status.INVESTIGATING, Status.IDENTIFIED, Status.MITIGATED)


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, person: Any) -> IncidentQuerySet:
        """Restricted incidents are seen by admins, by who declared them, and by who has a role in them."""
        if can_administer(person):
            return self
        mine = models.Q(declared_by=person) | models.Exists(
            RoleAssignment.objects.filter(incident=models.OuterRef("pk"), user=person)
        )
        return self.filter(models.Q(visibility=Visibility.INTERNAL) | mine)

    def open(self) -> IncidentQuerySet:
        return self.filter(status__in=OPEN_STATUSES)

    def matching(self, text: str) -> IncidentQuerySet:
        """By INC-n, or by words in title, summary, namespaces and services."""
        wanted = text.strip()
        number = wanted.upper().removeprefix("INC-")
        if number.isascii() and number.isdigit() and len(number) < 10:
            return self.filter(number=int(number))
        query = self
        for word in wanted.split()[:8]:
            query = query.filter(
                models.Q(title__icontains=word)
                | models.Q(summary__icontains=word)
                | models.Q(namespaces__icontains=word)
                | models.Q(services__icontains=word)
            )
        return query


class Incident(Versioned):
    number = models.PositiveIntegerField(unique=True, editable=False)
    title = models.CharField(max_length=TITLE_LIMIT)
    summary = models.TextField(blank=True, max_length=20_000)
    severity = models.ForeignKey(Severity, on_delete=models.PROTECT, related_name="incidents")
    severity_is_open = models.BooleanField(default=False, help_text="Nobody chose one yet; the usual one stands in.")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.INCIDENT)
    status = models.CharField(max_length=14, choices=Status.choices, default=Status.INVESTIGATING)
    visibility = models.CharField(max_length=12, choices=Visibility.choices, default=Visibility.INTERNAL)
    closure_reason = models.CharField(max_length=16, choices=ClosureReason.choices, blank=True)
    duplicate_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="duplicates")
    recurrence_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="recurrences"
    )
    detected_by = models.CharField(
        max_length=8, choices=DetectedBy.choices, blank=True, default=DetectedBy.UNSAID, help_text="What told us first."
    )
    declared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="declared_incidents")
    declared_at = models.DateTimeField(default=timezone.now)
    clusters = models.ManyToManyField(Cluster, blank=True, related_name="incidents")
    namespaces = ArrayField(models.CharField(max_length=63), default=list, blank=True)
    workloads = models.JSONField(default=list, blank=True, help_text='[{"kind", "namespace", "name"}]')
    services = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    labels = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    window_from = models.DateTimeField(null=True, blank=True)
    window_to = models.DateTimeField(null=True, blank=True)
    evidence_count = models.PositiveIntegerField(default=0, editable=False, help_text="The last E-n given.")
    evidence_frozen_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        indexes = [models.Index(fields=["status", "-number"])]
        constraints = [
            models.CheckConstraint(
                name="window_ends_after_it_starts",
                condition=models.Q(window_from=None)
                | models.Q(window_to=None)
                | models.Q(window_to__gt=models.F("window_from")),
            ),
            models.CheckConstraint(
                name="closed_incidents_say_why",
                condition=~models.Q(status=Status.CLOSED) | ~models.Q(closure_reason=""),
            ),
            models.CheckConstraint(
                name="duplicates_name_the_original",
                condition=~models.Q(closure_reason=ClosureReason.DUPLICATE) | models.Q(duplicate_of__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def key(self) -> str:
        return f"INC-{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("incident", args=[self.number])

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_restricted(self) -> bool:
        return self.visibility == Visibility.RESTRICTED

    def scope(self) -> Scope:
        return Scope(
            namespaces=tuple(self.namespaces),
            workloads=self.scope_workloads(),
            services=tuple(self.services),
            alerts=tuple(self.alert_deeds.values_list("alert__fingerprint", flat=True)),
            started_at=self.band()[0],
        )

    def scope_workloads(self) -> tuple[Workload, ...]:
        return tuple(Workload(kind=w["kind"], namespace=w["namespace"], name=w["name"]) for w in self.workloads)

    def milestone_times(self) -> dict[str, datetime]:
        return {milestone.kind: milestone.at for milestone in self.milestones.all()}

    def window(self, now: datetime) -> Window:
        """What collectors are asked for: the impact, 15 minutes either side, never later than now."""
        times = self.milestone_times()
        began = min([times[kind] for kind in ("impact_started", "detected", "declared") if kind in times], default=now)
        ended = times.get(MilestoneKind.RESOLVED) or now
        start = self.window_from or began - PAD
        end = self.window_to or min(ended + PAD, now)
        if end <= start:
            end = start + timedelta(minutes=1)
        return Window(start, end)

    def band(self) -> tuple[datetime, datetime | None]:
        """Impact started to mitigated, as far as known: what charts mark."""
        times = self.milestone_times()
        start = times.get("impact_started") or times.get("detected") or times.get("declared") or self.created_at
        return start, times.get("mitigated") or times.get("resolved")


class MilestoneKind(models.TextChoices):
    IMPACT_STARTED = "impact_started", "Impact started"
    DETECTED = "detected", "Detected"
    DECLARED = "declared", "Declared"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    MITIGATED = "mitigated", "Mitigated"
    RESOLVED = "resolved", "Resolved"
    CLOSED = "closed", "Closed"


class Milestone(models.Model):
    """A time that metrics are made of: TTD is impact started to detected, and so on."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="milestones")
    kind = models.CharField(max_length=16, choices=MilestoneKind.choices)
    at = models.DateTimeField()
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    evidence = models.ForeignKey(
        "incidents.Evidence", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["incident", "kind"], name="one_milestone_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%H:%M:%S}"

    @property
    def resource_version(self) -> int:
        """Rises with each write, bulk ones too: the time of the last, in microseconds."""
        return int(self.updated_at.timestamp() * 1_000_000)


class IncidentRole(models.TextChoices):
    COMMANDER = "commander", "Commander"
    SCRIBE = "scribe", "Scribe"
    COMMUNICATIONS = "communications", "Communications"
    RESPONDER = "responder", "Responder"


class RoleAssignment(models.Model):
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=16, choices=IncidentRole.choices)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="incident_roles")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["incident", "role", "user"], name="a_role_once_per_person")]

    def __str__(self) -> str:
        return f"{self.user} {self.role}"
