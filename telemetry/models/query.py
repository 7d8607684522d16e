"""Queries that people keep for a service or a namespace, and trying one out."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User
from telemetry.models.source import Source
from telemetry.observations import Window


class Language(models.TextChoices):
    """As `Facts.language` of the collectors names them."""

    PROMQL = "PromQL", "PromQL"
    LOGQL = "LogQL", "LogQL"
    LUCENE = "Lucene", "Lucene"
    TRACEQL = "TraceQL", "TraceQL"


class QueryTemplate(models.Model):
    """Asked of every source of its language, or of one, by incidents whose scope meets a service or a namespace of it.

    Without services and namespaces every incident asks it. `expr` holds placeholders for the scope.
    """

    name = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    language = models.CharField(max_length=10, choices=Language.choices)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="query_templates")
    expr = models.TextField(max_length=4_000)
    unit = models.CharField(max_length=20, blank=True)
    services = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    namespaces = ArrayField(models.CharField(max_length=63), default=list, blank=True)
    enabled = models.BooleanField(default=True)
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["title", "name"]

    def __str__(self) -> str:
        return self.title

    @property
    def resource_version(self) -> int:
        """Rises with each write: the time of the last, in microseconds."""
        return int(self.changed_at.timestamp() * 1_000_000)

    def entry(self) -> dict[str, Any]:
        """As an entry of a source's option `queries`, asked beside what the source asks by itself."""
        own = {"name": self.name, "title": self.title, "expr": self.expr, "unit": self.unit, "beside": True}
        return own | {"services": self.services, "namespaces": self.namespaces}


class QueryTrial(models.Model):
    """One query put to one source, to see what it answers; kept for an hour."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting for a worker"
        RUNNING = "running", "Asking"
        DONE = "done", "Answered"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="trials")
    expr = models.TextField(max_length=4_000)
    unit = models.CharField(max_length=20, blank=True)
    scope = models.JSONField(default=dict)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.QUEUED)
    sent = models.TextField(blank=True, help_text="With the placeholders filled in.")
    outcome = models.JSONField(default=dict)
    observations = models.JSONField(default=list)
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["asked_at"], name="trials_by_time")]

    def __str__(self) -> str:
        return f"{self.source}: {self.expr[:40]}"

    def window(self) -> Window:
        return Window(self.window_from, self.window_to)
