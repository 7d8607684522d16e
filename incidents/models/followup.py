from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.urls import reverse

from accounts.models import Team, User, Versioned
from incidents.models.incident import TITLE_LIMIT, Incident


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def visible_to(self, person: Any) -> FollowUpQuerySet:
        return self.filter(incident__in=Incident.objects.visible_to(person))

    def unfinished(self) -> FollowUpQuerySet:
        return self.filter(status__in=[FollowUp.Status.OPEN, FollowUp.Status.IN_PROGRESS])

    def overdue(self, now: datetime) -> FollowUpQuerySet:
        return self.unfinished().filter(due_at__lt=now)


class FollowUp(Versioned):
    """Something that will be done about an incident. It outlives the post-mortem."""

    class Type(models.TextChoices):
        DETECT = "detect", "Detect"
        PREVENT = "prevent", "Prevent"
        MITIGATE = "mitigate", "Mitigate"
        PROCESS = "process", "Process"

    class Priority(models.TextChoices):
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        DONE = "done", "Done"
        NOT_DOING = "not_doing", "Not doing"

    number = models.PositiveIntegerField(unique=True, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="followups")
    title = models.CharField(max_length=TITLE_LIMIT)
    description = models.TextField(blank=True, max_length=20_000)
    type = models.CharField(max_length=10, choices=Type.choices, default=Type.PREVENT)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.MEDIUM)
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="followups")
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="followups")
    due_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    reason = models.TextField(blank=True, max_length=2_000, help_text="Why it is not done.")
    external_url = models.URLField(blank=True, max_length=500)
    quiet_until = models.DateTimeField(null=True, blank=True, help_text="Its owner is not reminded before.")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "number"]
        indexes = [models.Index(fields=["status", "due_at"])]
        constraints = [
            models.CheckConstraint(
                name="not_doing_says_why", condition=~models.Q(status="not_doing") | ~models.Q(reason="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    @property
    def key(self) -> str:
        return f"F-{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("followup", args=[self.number])

    @property
    def is_ended(self) -> bool:
        return self.status in {self.Status.DONE, self.Status.NOT_DOING}

    def is_overdue(self, now: datetime) -> bool:
        return not self.is_ended and self.due_at < now
