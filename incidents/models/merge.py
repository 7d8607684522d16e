from __future__ import annotations

from django.db import models

from accounts.models import User
from incidents.models.incident import Incident


class IncidentMerge(models.Model):
    """A duplicate that was taken into another incident, with what it takes to bring it back.

    `moved`: `{"followups": [pk], "alert_deeds": [pk], "status", "closure_reason", "duplicate_of": pk, "scope": {field:
    {"new": what was added} or {"was": what it named before it meant all}, "clusters": [pk]}}`.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="merges")
    into = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="merged")
    reason = models.CharField(max_length=300, blank=True)
    moved = models.JSONField(default=dict)
    merged_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    merged_at = models.DateTimeField()
    undone_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident"], condition=models.Q(undone_at=None), name="an_incident_is_merged_once"
            ),
            models.CheckConstraint(
                name="nothing_is_merged_into_itself", condition=~models.Q(incident=models.F("into"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} into {self.into_id}"
