"""What was pushed to us: log records and spans."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models


class IntakeQuerySet(models.QuerySet[Any]):
    def older_than(self, at: datetime) -> IntakeQuerySet:
        return self.filter(received_at__lt=at)


class LogRecord(models.Model):
    """A pushed log line, redacted. `digest` is of time, resource and body: redelivery stores nothing new."""

    at = models.DateTimeField()
    severity_number = models.PositiveSmallIntegerField(default=0, help_text="OpenTelemetry: 17 and above are errors.")
    severity_text = models.CharField(max_length=32, blank=True)
    service = models.CharField(max_length=200)
    namespace = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    trace_id = models.CharField(max_length=32, blank=True)
    span_id = models.CharField(max_length=16, blank=True)
    attributes = models.JSONField(default=dict)
    resource = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, unique=True)
    received_at = models.DateTimeField()

    objects = IntakeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["service", "at"]),
            models.Index(fields=["at"]),
            models.Index(fields=["received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.at:%H:%M:%S}"


class Span(models.Model):
    """A pushed span, redacted."""

    trace_id = models.CharField(max_length=32)
    span_id = models.CharField(max_length=16)
    parent_span_id = models.CharField(max_length=16, blank=True)
    service = models.CharField(max_length=200)
    namespace = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=300)
    kind = models.PositiveSmallIntegerField(default=0)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(default=0, help_text="OpenTelemetry: 2 is an error.")
    status_message = models.TextField(blank=True)
    attributes = models.JSONField(default=dict)
    resource = models.JSONField(default=dict)
    received_at = models.DateTimeField()

    objects = IntakeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace_id", "span_id"], name="one_row_per_span")]
        indexes = [
            models.Index(fields=["service", "start_at"]),
            models.Index(fields=["start_at"]),
            models.Index(fields=["received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"
