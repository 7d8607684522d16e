"""What was pushed to us: log records, spans, metrics, and what had to go again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from telemetry.models.source import Source

# Shared by who adds points; who lets go of series without any holds it alone.
SERIES_LOCK = 7_306_001


class IntakeQuerySet(models.QuerySet[Any]):
    def older_than(self, at: datetime) -> IntakeQuerySet:
        return self.filter(received_at__lt=at)

    def of_source(self, source_id: int | None, *, kind: str) -> IntakeQuerySet:
        """Those of this source; the first of its kind owns what came before rows knew their source.

        None, where nobody has made the source yet, stands for all.
        """
        if source_id is None:
            return self.all()
        mine = models.Q(source=source_id)
        first = Source.objects.filter(kind=kind).order_by("pk").values_list("pk", flat=True).first()
        return self.filter(mine | models.Q(source=None) if kind == "otlp" and first == source_id else mine)


class Pushed(models.Model):
    """Rows come in the order of their ids, so the oldest are the first ones; `received_at` needs no tree of its own.

    Removing a source must not wait for millions of rows: they name it without a constraint, and a task lets them go.
    """

    source = models.ForeignKey(
        Source, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    received_at = models.DateTimeField()

    objects = IntakeQuerySet.as_manager()

    class Meta:
        abstract = True


class LogRecord(Pushed):
    """A pushed log line, redacted. `digest` is of the whole record: redelivery to the same source stores nothing new."""

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
    digest = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "source"], name="one_row_per_record")]
        indexes = [
            models.Index(fields=["service", "at"]),
            models.Index(fields=["at"]),
            models.Index(fields=["source", "id"], name="logs_by_source"),
            BrinIndex(fields=["received_at"], name="logs_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.at:%H:%M:%S}"


class Span(Pushed):
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

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace_id", "span_id", "source"], name="one_row_per_span")]
        indexes = [
            models.Index(fields=["service", "start_at"]),
            models.Index(fields=["start_at"]),
            models.Index(fields=["source", "id"], name="spans_by_source"),
            BrinIndex(fields=["received_at"], name="spans_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


class MetricKind(models.TextChoices):
    GAUGE = "gauge", "Gauge"
    COUNTER = "counter", "Counter"
    HISTOGRAM = "histogram", "Histogram"
    SUMMARY = "summary", "Summary"


class MetricSeries(models.Model):
    """One metric with one set of labels of one source. `is_delta`: each point is since the one before."""

    source = models.ForeignKey(
        Source, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    digest = models.UUIDField()
    name = models.CharField(max_length=200)
    unit = models.CharField(max_length=63, blank=True)
    kind = models.CharField(max_length=10, choices=MetricKind.choices)
    is_delta = models.BooleanField(default=False)
    service = models.CharField(max_length=200)
    namespace = models.CharField(max_length=200, blank=True)
    labels = models.JSONField(default=dict)
    resource = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "source"], name="one_series_of_each_source")]
        indexes = [
            models.Index(fields=["source", "service"], name="series_by_service"),
            models.Index(fields=["namespace"], name="series_by_namespace"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


class MetricPoint(Pushed):
    """`value` of a gauge or counter, the sum of a histogram or summary, which has a `count` and a `distribution`:
    `{"bounds", "counts"}` of buckets, or `{"quantiles": [[q, value]]}`."""

    series = models.ForeignKey(
        MetricSeries, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    at = models.DateTimeField()
    start_at = models.DateTimeField(null=True)
    value = models.FloatField(null=True)
    count = models.BigIntegerField(null=True)
    distribution = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "at"], name="one_point_at_a_time")]
        indexes = [
            models.Index(fields=["source", "id"], name="points_by_source"),
            BrinIndex(fields=["received_at"], name="points_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.value}"


class Removal(models.Model):
    """What of a source is gone again: `rows` in all, the latest of them told at `until_at`."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="removals")
    what = models.CharField(max_length=10, choices=[("logs", "Logs"), ("spans", "Spans"), ("points", "Points")])
    because = models.CharField(max_length=10, choices=[("age", "Age"), ("quota", "Quota")])
    rows = models.BigIntegerField()
    until_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "what", "because"], name="one_removal_of_each")]

    def __str__(self) -> str:
        return f"{self.rows} {self.what} until {self.until_at:%Y-%m-%d %H:%M}"
