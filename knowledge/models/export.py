from __future__ import annotations

from django.db import models
from django.urls import reverse

from accounts.models import User


class Export(models.Model):
    """A file made of something by a worker, for one person: what they may not see is not in it.

    `subject` and `ref` say of what (`ref` 0 for lists), `query` how it was narrowed, `digest` is of what went in:
    the same in gives the same file. `progress` is percent, `step` what goes on now.
    """

    class Subject(models.TextChoices):
        BROWNBAG = "brownbag", "Brown-bag session"
        POSTMORTEM = "postmortem", "Post-mortem"
        INCIDENTS = "incidents", "List of incidents"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Being made"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"

    subject = models.CharField(max_length=14, choices=Subject.choices)
    ref = models.PositiveBigIntegerField(default=0)
    format = models.CharField(max_length=10)
    query = models.JSONField(default=dict, blank=True)
    title = models.CharField(max_length=300)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports")
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0)
    step = models.CharField(max_length=120, blank=True)
    reason = models.TextField(blank=True, max_length=2_000)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    left_out = models.PositiveIntegerField(default=0)
    file_name = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    data = models.BinaryField(null=True, blank=True)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["person", "-id"], name="exports_of_a_person"),
            models.Index(fields=["subject", "ref", "-id"], name="exports_of_a_thing"),
            models.Index(
                fields=["state", "lease_until"],
                condition=models.Q(state__in=["queued", "running"]),
                name="unfinished_exports",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} as {self.format}"

    def get_absolute_url(self) -> str:
        return reverse("export", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.state in {self.State.DONE, self.State.FAILED}
