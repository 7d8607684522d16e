from __future__ import annotations

from django.db import models

from accounts.models import User
from incidents.models.incident import Incident, Status

UPDATE_LIMIT = 3_000


class IncidentUpdate(models.Model):
    """What stakeholders are told while an incident goes on; `status` and `severity` as they were then."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    text = models.TextField(max_length=UPDATE_LIMIT)
    status = models.CharField(max_length=14, choices=Status.choices)
    severity = models.CharField(max_length=20)
    posted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    next_at = models.DateTimeField(null=True, blank=True, help_text="When the next update was promised.")
    posted_at = models.DateTimeField()

    class Meta:
        ordering = ["-posted_at", "-id"]

    def __str__(self) -> str:
        return f"{self.incident.key} {self.posted_at:%H:%M}"
