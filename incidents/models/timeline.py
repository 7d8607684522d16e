from __future__ import annotations

from django.db import models

from accounts.models import User
from incidents.models.evidence import LEVEL_CHOICES, Evidence
from incidents.models.incident import Incident
from telemetry.observations import Level


class EntrySource(models.TextChoices):
    EVENT = "event", "Events"
    CHANGE = "change", "Changes"
    ALERT = "alert", "Alerts"
    LOG = "log", "Logs"
    TRACE = "trace", "Traces"
    METRIC = "metric", "Metrics"
    BACKUP = "backup", "Backups"
    ANNOTATION = "annotation", "Annotations"
    CHAT = "chat", "Chat"
    MILESTONE = "milestone", "Milestones"
    NOTE = "note", "Notes"


class TimelineQuerySet(models.QuerySet["TimelineEntry"]):
    def for_page(self) -> TimelineQuerySet:
        """With the evidence's number and the actor's name, and nothing else of theirs: a page reads many."""
        own = ("incident_id", "occurred_at", "until", "count", "source", "level", "title", "subject", "text", "detail")
        more = ("pinned", "hidden", "evidence__number", "actor__username", "actor__name")
        rows = self.select_related("evidence", "actor")
        return rows.only(*own, *more, "actor__first_name", "actor__last_name")

    def in_order(self) -> TimelineQuerySet:
        return self.order_by("occurred_at", "id")


class TimelineEntry(models.Model):
    """A line of the timeline. `pinned` and `hidden` are people's; everything derived may be derived again."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="timeline")
    evidence = models.ForeignKey(Evidence, on_delete=models.CASCADE, null=True, blank=True, related_name="entries")
    dedup_key = models.CharField(max_length=320)
    occurred_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=10, choices=EntrySource.choices)
    level = models.CharField(max_length=8, choices=LEVEL_CHOICES, default=Level.INFO.value)
    title = models.CharField(max_length=300)
    subject = models.CharField(max_length=260, blank=True)
    text = models.TextField(blank=True, max_length=10_000)
    detail = models.JSONField(default=dict, blank=True, help_text="A rollout's differences, a milestone's kind.")
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    pinned = models.BooleanField(default=False)
    hidden = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TimelineQuerySet.as_manager()

    class Meta:
        ordering = ["occurred_at", "id"]
        verbose_name_plural = "timeline entries"
        constraints = [
            models.UniqueConstraint(fields=["incident", "dedup_key"], name="one_line_per_thing"),
            models.CheckConstraint(
                name="spans_end_after_they_start",
                condition=models.Q(until=None) | models.Q(until__gte=models.F("occurred_at")),
            ),
        ]
        indexes = [
            models.Index(fields=["incident", "occurred_at", "id"]),
            models.Index(
                fields=["updated_at", "id"],
                condition=models.Q(source__in=[EntrySource.NOTE, EntrySource.CHAT]),
                name="lines_of_people_by_change",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.occurred_at:%H:%M:%S} {self.title}"

    @property
    def resource_version(self) -> int:
        """Rises with each write, bulk ones too: the time of the last, in microseconds."""
        return int(self.updated_at.timestamp() * 1_000_000)
