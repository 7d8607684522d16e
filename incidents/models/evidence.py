from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from incidents.models.incident import Incident
from telemetry.coverage import Coverage
from telemetry.models import Source
from telemetry.observations import EvidenceType, Level, Outcome, Status, Window

TYPE_CHOICES = [(item.value, item.value.replace("_", " ").capitalize()) for item in EvidenceType]
LEVEL_CHOICES = [(item.value, item.value.capitalize()) for item in Level]
STATUS_CHOICES = [(item.value, item.value.replace("_", " ").capitalize()) for item in Status]

GOOD = (Status.COMPLETE, Status.EMPTY)
IN_PART = (Status.PARTIAL, Status.TRUNCATED)


class Collection(models.Model):
    """One round of asking every source, begun by a declaration, the clock, a person or the resolution."""

    class Trigger(models.TextChoices):
        DECLARED = "declared", "Declared"
        PERIODIC = "periodic", "While open"
        MANUAL = "manual", "Asked by a person"
        RESOLVED = "resolved", "Resolved"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="collections")
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="collection_window_ends_after_it_starts",
                condition=models.Q(window_to__gt=models.F("window_from")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.incident.key} {self.trigger} {self.started_at:%H:%M:%S}"

    def window(self) -> Window:
        return Window(self.window_from, self.window_to)


class RunState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"


class CollectionRunQuerySet(models.QuerySet["CollectionRun"]):
    def claimable(self, now: datetime) -> CollectionRunQuerySet:
        """Queued, or running under a lease that its worker no longer renews."""
        return self.filter(models.Q(state=RunState.QUEUED) | models.Q(state=RunState.RUNNING, lease_until__lt=now))


class CollectionRun(models.Model):
    """One question to one source: one task, one budget, one outcome."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="runs")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="runs")
    source = models.ForeignKey(Source, on_delete=models.SET_NULL, null=True, related_name="runs")
    source_name = models.CharField(max_length=80)
    source_kind = models.CharField(max_length=30)
    query_name = models.CharField(max_length=80)
    query_title = models.CharField(max_length=200)
    query_text = models.TextField(blank=True)
    query_params = models.JSONField(default=dict)
    idempotency_key = models.CharField(max_length=64, unique=True)

    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    status = models.CharField(max_length=16, choices=STATUS_CHOICES, blank=True)
    reason = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    retryable = models.BooleanField(default=False)
    fetched = models.PositiveIntegerField(default=0)
    kept = models.PositiveIntegerField(default=0)
    dropped = models.PositiveIntegerField(default=0)
    truncated_by = models.CharField(max_length=80, blank=True)
    covered_from = models.DateTimeField(null=True, blank=True)
    covered_to = models.DateTimeField(null=True, blank=True)
    warnings = models.JSONField(default=list)
    request = models.TextField(blank=True)
    redactions = models.JSONField(default=dict)
    coverage = models.JSONField(
        default=dict, help_text="What of the window the recorder kept, and its gaps; empty where it kept nothing."
    )

    objects = CollectionRunQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["incident", "source", "query_name", "-id"]),
            models.Index(fields=["state", "lease_until"], condition=~models.Q(state="done"), name="unfinished_runs"),
        ]

    def __str__(self) -> str:
        return f"{self.source_name}: {self.query_title}"

    @property
    def is_good(self) -> bool:
        return self.status in GOOD

    @property
    def is_in_part(self) -> bool:
        return self.status in IN_PART

    @property
    def is_failed(self) -> bool:
        return self.state == RunState.DONE and not self.is_good and not self.is_in_part

    @property
    def recorded(self) -> Coverage:
        return Coverage.of_json(self.coverage)

    def set_outcome(self, outcome: Outcome, now: datetime) -> None:
        for name in ("reason", "remedy", "retryable", "fetched", "kept", "dropped", "truncated_by"):
            setattr(self, name, getattr(outcome, name))
        self.status = outcome.status.value
        self.covered_from, self.covered_to = outcome.covered_from, outcome.covered_to
        self.warnings = list(outcome.warnings)
        self.redactions = dict(outcome.redactions)
        self.coverage = outcome.coverage.as_json() if outcome.coverage else {}
        self.request = outcome.request
        self.state, self.finished_at, self.lease_until = RunState.DONE, now, None


SHOWN_FIRST = (
    EvidenceType.ALERT,
    EvidenceType.METRIC,
    EvidenceType.STATE_CHANGE,
    EvidenceType.TRACE,
    EvidenceType.LOG,
)


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def shown_first(self) -> EvidenceQuerySet:
        """Charts, traces, logs and changes before single Events."""
        return self.order_by("shown_rank", "number")


class Evidence(models.Model):
    """What a source said, hashed. After `frozen_at` the database refuses any change of it."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="evidence")
    number = models.PositiveIntegerField()
    run = models.ForeignKey(CollectionRun, on_delete=models.SET_NULL, null=True, related_name="evidence")
    source = models.ForeignKey(Source, on_delete=models.SET_NULL, null=True, related_name="+")
    source_name = models.CharField(max_length=80)
    type = models.CharField(max_length=14, choices=TYPE_CHOICES)
    dedup_key = models.CharField(max_length=300)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    level = models.CharField(max_length=8, choices=LEVEL_CHOICES, default=Level.INFO.value)
    subject = models.JSONField(default=dict)
    title = models.CharField(max_length=300)
    summary = models.TextField(blank=True)
    payload = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    links = models.JSONField(default=list)
    query = models.TextField(blank=True)
    redactions = models.JSONField(default=dict)
    flags = models.JSONField(default=dict)
    observed_at = models.DateTimeField()
    frozen_at = models.DateTimeField(null=True, blank=True)
    # In the database, so that the first page of thousands needs no sort.
    shown_rank = models.GeneratedField(
        expression=models.Case(
            *(models.When(type=kind.value, then=models.Value(rank)) for rank, kind in enumerate(SHOWN_FIRST)),
            default=models.Value(9),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="one_number_per_evidence"),
            models.UniqueConstraint(fields=["incident", "dedup_key"], name="one_row_per_observed_thing"),
        ]
        indexes = [
            models.Index(fields=["incident", "type", "number"]),
            models.Index(fields=["incident", "shown_rank", "number"]),
            models.Index(fields=["observed_at", "id"], name="evidence_by_observation"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def key(self) -> str:
        return f"E-{self.number}"

    def fields(self) -> dict[str, Any]:
        """The observed part, for comparing and for the API."""
        names = (
            "type",
            "first_at",
            "last_at",
            "count",
            "level",
            "subject",
            "title",
            "summary",
            "payload",
            "links",
        )
        return {name: getattr(self, name) for name in names}
