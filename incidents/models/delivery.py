from __future__ import annotations

from django.db import models

from incidents.models.incident import Incident


class QueuedState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    WORKING = "working", "Under way"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


UNFINISHED = (QueuedState.WAITING, QueuedState.WORKING)


class Queued(models.Model):
    """Something to be done once, in the order of its lane, tried until it is done or will never be.

    `attempts` counts the tries, `surprises` those of them that ended as nobody foresaw; `due_at` is when the next may
    be, `tried_at` when the last began.
    """

    lane = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=QueuedState.choices, default=QueuedState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    surprises = models.PositiveSmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, max_length=1_000)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Delivery(Queued):
    """Something that a chat service is to be told. `key` keeps the same thing from waiting twice."""

    service = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=120, blank=True)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries")
    content = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["service", "key"],
                condition=models.Q(state="waiting") & ~models.Q(key=""),
                name="a_key_waits_once",
            )
        ]
        indexes = [
            models.Index(fields=["lane", "id"], condition=models.Q(state__in=UNFINISHED), name="deliveries_to_do"),
            models.Index(fields=["service", "key"], condition=~models.Q(key=""), name="deliveries_by_key"),
            models.Index(fields=["incident", "state"], name="deliveries_of_an_incident"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.kind} ({self.state})"
