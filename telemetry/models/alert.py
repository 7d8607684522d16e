"""Alerts as other programs told them: one row for each time that one fired."""

from __future__ import annotations

from typing import Any

from django.db import models

from telemetry.models.source import Source


class AlertStatus(models.TextChoices):
    FIRING = "firing", "Firing"
    RESOLVED = "resolved", "Ended"


class AlertQuerySet(models.QuerySet["Alert"]):
    def to_handle(self) -> AlertQuerySet:
        """Whose status has changed since somebody looked, oldest first."""
        return self.exclude(handled=models.F("status")).order_by("changed_at", "id")


class Alert(models.Model):
    """Redacted. `severity` is the sender's own word; `handled` the status that was last acted on, "" for none."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="alerts")
    fingerprint = models.CharField(max_length=200, help_text="The same whenever the same thing is wrong.")
    status = models.CharField(max_length=8, choices=AlertStatus.choices, default=AlertStatus.FIRING)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=60, blank=True)
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    url = models.CharField(max_length=1_000, blank=True)
    redactions = models.JSONField(default=dict)
    handled = models.CharField(max_length=8, blank=True)
    received_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "fingerprint", "starts_at"], name="one_row_per_firing"),
            models.CheckConstraint(
                name="ended_alerts_say_when",
                condition=models.Q(status="firing", ends_at=None) | models.Q(status="resolved", ends_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["-starts_at", "-id"], name="alerts_by_start"),
            models.Index(fields=["changed_at"], name="alerts_by_change"),
            models.Index(
                fields=["changed_at", "id"],
                condition=~models.Q(handled=models.F("status")),
                name="alerts_to_handle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.status})"

    @property
    def is_firing(self) -> bool:
        return self.status == AlertStatus.FIRING

    def label(self, name: str) -> str:
        value: Any = self.labels.get(name, "")
        return str(value)
