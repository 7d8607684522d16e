from __future__ import annotations

from django.db import models

from accounts.models import User
from incidents.models.incident import Incident


class Reminder(models.Model):
    """One thing that an open incident lacks: when it was last said, and until when nobody wants to hear it."""

    class Kind(models.TextChoices):
        SEVERITY = "severity", "No severity chosen"
        COMMANDER = "commander", "No commander"
        UPDATE = "update", "No update"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="reminders")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    said_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snoozed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "kind"], name="one_reminder_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.incident.key}: {self.get_kind_display()}"
