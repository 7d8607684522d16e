from __future__ import annotations

from django.db import models
from django.urls import reverse

from accounts.models import User, Versioned
from incidents.models import Incident
from knowledge.models.checklist import Checklist
from telemetry.models import Cluster


class RecoveryObjective(Versioned):
    """How long a service or namespace may be away (RTO) and how much of the newest data may be lost (RPO), in seconds."""

    service = models.CharField(max_length=200, blank=True)
    namespace = models.CharField(max_length=63, blank=True)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.SET_NULL, null=True, blank=True, related_name="recovery_objectives"
    )
    rto_seconds = models.PositiveIntegerField(null=True, blank=True)
    rpo_seconds = models.PositiveIntegerField(null=True, blank=True)
    note = models.TextField(blank=True, max_length=2_000)
    agreed_at = models.DateTimeField()
    agreed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["namespace", "service"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "namespace", "cluster"], nulls_distinct=False, name="one_objective_per_place"
            ),
            models.CheckConstraint(
                name="an_objective_is_for_something", condition=~models.Q(service="") | ~models.Q(namespace="")
            ),
            models.CheckConstraint(
                name="an_objective_says_something",
                condition=models.Q(rto_seconds__isnull=False) | models.Q(rpo_seconds__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.service or self.namespace

    def get_absolute_url(self) -> str:
        return reverse("recovery-objective", args=[self.pk])


class RecoveryReading(models.Model):
    """How old the newest usable recovery point was at `at`; without an age `reason` says why none can be told."""

    objective = models.ForeignKey(RecoveryObjective, on_delete=models.CASCADE, related_name="readings")
    at = models.DateTimeField()
    age_seconds = models.PositiveIntegerField(null=True, blank=True)
    tool = models.CharField(max_length=40, blank=True)
    point = models.CharField(max_length=253, blank=True)
    reason = models.TextField(blank=True, max_length=2_000)
    facts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["objective", "-at"], name="readings_of_an_objective")]

    def __str__(self) -> str:
        return f"{self.objective_id} {self.at:%Y-%m-%d %H:%M}"


class Drill(Versioned):
    """A planned failure: its checklist, and, once begun, its incident of kind drill with milestones of its own.

    `restored_to_at` is the newest data that came back: from it and the start of the impact the RPO is measured.
    """

    title = models.CharField(max_length=200)
    scenario = models.TextField(blank=True, max_length=20_000)
    checklist = models.ForeignKey(Checklist, on_delete=models.PROTECT, related_name="drills")
    objective = models.ForeignKey(
        RecoveryObjective, on_delete=models.SET_NULL, null=True, blank=True, related_name="drills"
    )
    planned_at = models.DateTimeField()
    lead = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="drill")
    restored_to_at = models.DateTimeField(null=True, blank=True)
    findings = models.TextField(blank=True, max_length=20_000)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_why = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-planned_at", "-id"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("drill", args=[self.pk])
