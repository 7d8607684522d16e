"""What the recorder keeps of a cluster, how far it got, and what it missed.

Rows are written by `telemetry.recorder` alone. They name their cluster without a constraint in the
database: removing a cluster must not wait for millions of rows, a task clears them afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from telemetry.coverage import Coverage, Gap
from telemetry.models.source import Cluster


def _cluster(name: str) -> Any:
    return models.ForeignKey(
        Cluster, on_delete=models.DO_NOTHING, db_constraint=False, related_name=name, db_index=False
    )


class RecordingState(models.TextChoices):
    STARTING = "starting", "Starting"
    LISTING = "listing", "Listing"
    WATCHING = "watching", "Watching"
    WAITING = "waiting", "Waiting to ask again"
    DENIED = "denied", "Denied"
    NOT_INSTALLED = "not_installed", "Not served by this cluster"
    STOPPED = "stopped", "Stopped"


class Recording(models.Model):
    """The checkpoint of one resource of one cluster, and how its recording goes.

    Everything between `since` and `heard_at` is in the archive, except where a `CoverageGap` says
    otherwise. Counters only rise. `resource` is the plural with its group: `events`, `apps/deployments`.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="recordings")
    resource = models.CharField(max_length=120)
    resource_version = models.CharField(max_length=200, blank=True, help_text="Opaque; never compared, only sent back.")
    cluster_uid = models.CharField(max_length=64, blank=True, help_text="Whose version it is.")
    since = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=RecordingState.choices, default=RecordingState.STARTING)
    reason = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    leader = models.CharField(max_length=200, blank=True)
    received = models.PositiveBigIntegerField(default=0)
    stored = models.PositiveBigIntegerField(default=0)
    dropped = models.PositiveBigIntegerField(default=0)
    reconnects = models.PositiveBigIntegerField(default=0)
    last_event_at = models.DateTimeField(null=True, blank=True, help_text="The newest time that the cluster told.")
    lag_seconds = models.FloatField(null=True, blank=True)
    per_minute = models.FloatField(default=0)
    updated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["cluster", "resource"]
        constraints = [models.UniqueConstraint(fields=["cluster", "resource"], name="one_recording_per_resource")]

    def __str__(self) -> str:
        return f"{self.cluster_id} {self.resource} {self.state}"

    def coverage(self, gaps: Iterable[CoverageGap], start: datetime, end: datetime) -> Coverage:
        """What of [start, end) was reached; `gaps` are those of this resource, in order."""
        if self.since is None or self.heard_at is None:
            return Coverage()
        first, last = max(self.since, start), min(self.heard_at, end)
        if first >= last:
            return Coverage()
        inside = [gap for gap in gaps if gap.started_at < last and gap.ended_at > first]
        plural = self.resource.rpartition("/")[2]
        cut = [Gap(max(one.started_at, first), min(one.ended_at, last), one.words, (plural,)) for one in inside]
        return Coverage(first, last, tuple(cut))


class CoverageGap(models.Model):
    """A time in which the archive may lack something, and why. `resource` as in `Recording`."""

    class Reason(models.TextChoices):
        EXPIRED = "expired", "The cluster no longer had what changed meanwhile"
        UNREADABLE = "unreadable", "Something that the cluster sent could not be read"
        REPLACED = "replaced", "Another cluster answers at this address"

    cluster = _cluster("gaps")
    resource = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    reason = models.CharField(max_length=12, choices=Reason.choices)
    detail = models.TextField(blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["started_at", "id"]
        indexes = [models.Index(fields=["cluster", "resource", "ended_at"], name="gaps_of_a_resource")]

    def __str__(self) -> str:
        return f"{self.resource} {self.started_at:%H:%M:%S}–{self.ended_at:%H:%M:%S} {self.reason}"

    @property
    def words(self) -> str:
        """The reason, to stand inside a sentence."""
        label = self.get_reason_display()
        return f"{label[:1].lower()}{label[1:]}"


class ClusterEventQuerySet(models.QuerySet["ClusterEvent"]):
    def overlapping(self, start: datetime, end: datetime) -> ClusterEventQuerySet:
        """Events that went on somewhere in [start, end)."""
        return self.filter(last_at__gte=start, first_at__lt=end, created_at__lt=end)


class ClusterEvent(models.Model):
    """One Kubernetes Event, brought up to date in place and kept after the cluster forgot it.

    The table is partitioned by day of `created_at`, the API server's own time, which never changes
    for a uid; so (cluster, uid, created_at) is unique. `id` is the order of first arrival.
    `count` is what the server said last, `highest_count` the most that it ever said.
    """

    id = models.BigAutoField(primary_key=True)
    cluster = _cluster("events")
    uid = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    namespace = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=300)
    resource_version = models.CharField(max_length=200)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    highest_count = models.PositiveIntegerField(default=1)
    is_lower_bound = models.BooleanField(default=False, help_text="It went on until last_at; the count is a minimum.")
    type = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    action = models.CharField(max_length=200, blank=True)
    reporter = models.CharField(max_length=253, blank=True)
    host = models.CharField(max_length=253, blank=True)
    about_group = models.CharField(max_length=253, blank=True)
    about_kind = models.CharField(max_length=120, blank=True)
    about_namespace = models.CharField(max_length=253, blank=True)
    about_name = models.CharField(max_length=300, blank=True)
    about_uid = models.CharField(max_length=128, blank=True)
    about_field_path = models.CharField(max_length=300, blank=True)
    signal = models.CharField(max_length=40, blank=True, help_text="The name of the rule that recognised it.")
    redactions = models.JSONField(default=dict)
    received_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True, help_text="When the cluster dropped it; it stays here.")

    objects = ClusterEventQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "-id"]

    def __str__(self) -> str:
        return f"{self.reason} {self.about_kind} {self.about_namespace}/{self.about_name}"


class ObjectSnapshotQuerySet(models.QuerySet["ObjectSnapshot"]):
    def overlapping(self, start: datetime, end: datetime) -> ObjectSnapshotQuerySet:
        """States that held somewhere in [start, end)."""
        return self.filter(changed_at__lt=end).filter(models.Q(until_at=None) | models.Q(until_at__gt=start))

    def at(self, moment: datetime) -> ObjectSnapshotQuerySet:
        """The state of each object at `moment`."""
        return self.filter(changed_at__lte=moment).filter(models.Q(until_at=None) | models.Q(until_at__gt=moment))


class ObjectSnapshot(models.Model):
    """An object as it was in [changed_at, until_at), trimmed and redacted. `until_at` None: as it is now.

    `changed_at` is the last write that the object itself tells (managedFields), else its arrival.
    `ended` says how the object's last state ended, `replaced` how any other did.
    """

    class Ended(models.TextChoices):
        REPLACED = "replaced", "Changed"
        DELETED = "deleted", "Deleted"
        MISSED = "missed", "Deleted while nobody watched"

    cluster = _cluster("snapshots")
    resource = models.CharField(max_length=120)
    group = models.CharField(max_length=253, blank=True)
    kind = models.CharField(max_length=120)
    namespace = models.CharField(max_length=253, blank=True)
    name = models.CharField(max_length=300)
    uid = models.CharField(max_length=128)
    resource_version = models.CharField(max_length=200)
    generation = models.BigIntegerField(default=0)
    owner_kind = models.CharField(max_length=120, blank=True)
    owner_name = models.CharField(max_length=300, blank=True)
    owner_uid = models.CharField(max_length=128, blank=True)
    changed_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)
    ended = models.CharField(max_length=8, choices=Ended.choices, blank=True)
    body = models.JSONField()
    digest = models.CharField(max_length=32)
    redactions = models.JSONField(default=dict)
    signals = ArrayField(
        models.CharField(max_length=40), default=list, help_text="Names of the rules that this state matches."
    )
    received_at = models.DateTimeField()

    objects = ObjectSnapshotQuerySet.as_manager()

    class Meta:
        ordering = ["changed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "resource", "uid"], condition=models.Q(until_at=None), name="one_current_state"
            )
        ]
        indexes = [
            # Both ends of a state, so that those of another time are passed over without being read.
            models.Index(
                fields=["cluster", "resource", "namespace", "until_at", "changed_at"], name="states_of_a_time"
            ),
            models.Index(fields=["cluster", "uid", "changed_at"], name="states_of_an_object"),
            models.Index(fields=["until_at"], name="states_by_age"),
            models.Index(fields=["received_at"], condition=~models.Q(signals=[]), name="states_with_signals"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name} {self.changed_at:%H:%M:%S}"


class ContainerEnding(models.Model):
    """One end of a container's life, and its last lines, fetched before they were gone.

    `log_status` is empty while the log is still to be fetched, then a `telemetry.observations.Status`;
    `log_reason` says why there is none. `log` is redacted, one line a row of text, with timestamps.
    """

    cluster = _cluster("endings")
    namespace = models.CharField(max_length=253)
    pod = models.CharField(max_length=300)
    pod_uid = models.CharField(max_length=128)
    container = models.CharField(max_length=120)
    container_id = models.CharField(max_length=200, blank=True, help_text="Of the life that ended.")
    init = models.BooleanField(default=False)
    restarts = models.PositiveIntegerField(default=0)
    exit_code = models.IntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField()
    node = models.CharField(max_length=253, blank=True)
    workload_kind = models.CharField(max_length=120, blank=True)
    workload_name = models.CharField(max_length=300, blank=True)
    is_previous = models.BooleanField(default=True, help_text="The container was started again after this end.")
    log = models.TextField(blank=True)
    log_status = models.CharField(max_length=16, blank=True)
    log_reason = models.TextField(blank=True)
    log_lines = models.PositiveIntegerField(default=0)
    log_truncated = models.BooleanField(default=False)
    log_fetched_at = models.DateTimeField(null=True, blank=True)
    log_attempts = models.PositiveSmallIntegerField(default=0)
    redactions = models.JSONField(default=dict)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["finished_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "pod_uid", "container", "finished_at"], name="one_row_per_container_ending"
            )
        ]
        indexes = [
            models.Index(fields=["cluster", "namespace", "finished_at"], name="endings_of_a_namespace"),
            models.Index(fields=["finished_at"], name="endings_by_age"),
            models.Index(fields=["received_at"], name="endings_by_arrival"),
            models.Index(
                fields=["cluster", "received_at"], condition=models.Q(log_status=""), name="endings_without_a_log"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod} {self.container} {self.finished_at:%H:%M:%S}"
