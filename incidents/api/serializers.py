"""The shapes of incidents and what hangs on them. Rules are the actions'; shapes only are checked here."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api.fields import PersonField
from incidents.durations import between
from incidents.models import (
    Collection,
    CollectionRun,
    Evidence,
    FollowUp,
    Incident,
    IncidentUpdate,
    Milestone,
    PostMortem,
    Review,
    Revision,
    Severity,
    TimelineEntry,
)
from incidents.models.incident import ClosureReason, IncidentRole, MilestoneKind, Status
from incidents.models.update import UPDATE_LIMIT
from telemetry.models import Cluster


class VisibleIncidentField(serializers.SlugRelatedField):  # type: ignore[type-arg]
    """An incident by number, of those that the caller may see."""

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("read_only"):
            kwargs.setdefault("queryset", Incident.objects.all())
        super().__init__(slug_field="number", **kwargs)

    def get_queryset(self) -> QuerySet[Incident]:
        return Incident.objects.visible_to(self.context["request"].user)


class WorkloadSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(max_length=63)
    namespace = serializers.CharField(max_length=63)
    name = serializers.CharField(max_length=253)


class NamedField(serializers.SlugRelatedField):  # type: ignore[type-arg]
    """A row by its name; a wrong one is answered with those that exist."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(slug_field="name", **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            rows = self.get_queryset()
            names = rows.values_list("name", flat=True)[:20] if rows is not None else []
            expected = ", ".join(names) or "nothing yet: none exists"
            raise serializers.ValidationError(f"Is {str(data)[:60]!r}; expected one of {expected}.") from None


class RoleSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=IncidentRole.choices)
    user = PersonField()


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    key = serializers.CharField(read_only=True)
    severity = NamedField(queryset=Severity.objects.all())
    title = serializers.CharField(allow_blank=True)
    clusters = NamedField(queryset=Cluster.objects.all(), many=True, required=False)
    workloads = WorkloadSerializer(many=True, required=False)
    declared_by = PersonField(read_only=True)
    duplicate_of = VisibleIncidentField(required=False, allow_null=True)
    recurrence_of = serializers.SerializerMethodField(help_text="The earlier incident with the same cause.")
    roles = RoleSerializer(many=True, required=False, help_text="On PATCH: the whole list.")
    milestones = serializers.SerializerMethodField()
    durations = serializers.SerializerMethodField(help_text="Seconds; null where a milestone is not known.")
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    closure_reason = serializers.ChoiceField(choices=[("", ""), *ClosureReason.choices], required=False)
    reason = serializers.CharField(write_only=True, required=False, help_text="Why it is opened again.")
    impact_started_at = serializers.DateTimeField(write_only=True, required=False, allow_null=True)
    detected_at = serializers.DateTimeField(write_only=True, required=False, allow_null=True)

    class Meta:
        model = Incident
        fields = [
            *[
                "number",
                "key",
                "title",
                "summary",
                "severity",
                "severity_is_open",
                "kind",
                "status",
                "visibility",
                "closure_reason",
            ],
            *[
                "duplicate_of",
                "recurrence_of",
                "declared_by",
                "declared_at",
                "clusters",
                "namespaces",
                "workloads",
                "services",
                "labels",
                "detected_by",
            ],
            *["window_from", "window_to", "roles", "milestones", "durations", "evidence_count", "evidence_frozen_at"],
            *["resource_version", "created_at", "updated_at", "reason", "impact_started_at", "detected_at"],
        ]
        read_only_fields = [
            "number",
            "severity_is_open",
            "declared_at",
            "evidence_count",
            "evidence_frozen_at",
            "resource_version",
            "created_at",
        ]

    def get_recurrence_of(self, row: Incident) -> int | None:
        earlier = row.recurrence_of
        return earlier.number if earlier is not None and not earlier.is_restricted else None

    def get_milestones(self, row: Incident) -> dict[str, str]:
        return {milestone.kind: milestone.at.isoformat() for milestone in row.milestones.all()}

    def get_durations(self, row: Incident) -> dict[str, float | None]:
        return {name.lower(): seconds for name, seconds in between(row.milestone_times()).items()}


class ReviewSerializer(serializers.ModelSerializer[Review]):
    reviewer = PersonField(read_only=True)

    class Meta:
        model = Review
        fields = ["reviewer", "verdict", "comment", "asked_at", "answered_at"]
        read_only_fields = fields


class RevisionSerializer(serializers.ModelSerializer[Revision]):
    author = PersonField(read_only=True)

    class Meta:
        model = Revision
        fields = ["version", "title", "body", "author", "created_at", "note"]
        read_only_fields = fields


class ReviewRequestSerializer(serializers.Serializer[Any]):
    reviewers = serializers.ListField(child=PersonField(), allow_empty=False)


class VerdictSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=["approved", "changes"])
    comment = serializers.CharField(required=False, allow_blank=True, max_length=5_000, default="")


class MilestoneSerializer(serializers.ModelSerializer[Milestone]):
    kind = serializers.ChoiceField(choices=MilestoneKind.choices)
    set_by = PersonField(read_only=True)
    resource_version = serializers.IntegerField(read_only=True)

    class Meta:
        model = Milestone
        fields = ["id", "kind", "at", "set_by", "resource_version", "updated_at"]


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    key = serializers.CharField(read_only=True)

    class Meta:
        model = Evidence
        fields = [
            *["number", "key", "source_name", "type", "first_at", "last_at", "count", "level", "subject", "title"],
            *["summary", "payload", "sha256", "links", "query", "redactions", "flags", "observed_at", "frozen_at"],
        ]
        read_only_fields = fields


class TimelineEntrySerializer(serializers.ModelSerializer[TimelineEntry]):
    evidence: Any = serializers.SlugRelatedField(slug_field="number", read_only=True)
    actor = PersonField(read_only=True)
    text = serializers.CharField(required=False, allow_blank=True)
    occurred_at = serializers.DateTimeField(required=False)
    resource_version = serializers.IntegerField(read_only=True)

    class Meta:
        model = TimelineEntry
        fields = [
            *["id", "occurred_at", "until", "count", "source", "level", "title", "subject", "text", "detail"],
            *["actor", "pinned", "hidden", "evidence", "resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["until", "count", "source", "level", "title", "subject", "detail", "created_at"]


class IncidentUpdateSerializer(serializers.ModelSerializer[IncidentUpdate]):
    """`status` and `severity` as they were then; given with a POST they change the incident too."""

    text = serializers.CharField(max_length=UPDATE_LIMIT)
    status = serializers.ChoiceField(choices=Status.choices, required=False)
    severity = serializers.SlugRelatedField(slug_field="name", queryset=Severity.objects.all(), required=False)
    posted_by = PersonField(read_only=True)
    next_at = serializers.DateTimeField(required=False, allow_null=True)

    class Meta:
        model = IncidentUpdate
        fields = ["id", "text", "status", "severity", "posted_by", "next_at", "posted_at"]
        read_only_fields = ["posted_at"]

    def to_representation(self, instance: IncidentUpdate) -> dict[str, Any]:
        """The severity's name is kept as it was: it may have been renamed since."""
        names = ("id", "text", "status", "severity")
        kept = {name: getattr(instance, name) for name in names}
        by = self.fields["posted_by"].to_representation(instance.posted_by) if instance.posted_by else None
        time = serializers.DateTimeField()
        following = time.to_representation(instance.next_at) if instance.next_at else None
        return kept | {"posted_by": by, "next_at": following, "posted_at": time.to_representation(instance.posted_at)}


class CollectionRunSerializer(serializers.ModelSerializer[CollectionRun]):
    class Meta:
        model = CollectionRun
        fields = [
            *["id", "source_name", "source_kind", "query_name", "query_title", "query_text", "state", "attempts"],
            *["status", "reason", "remedy", "retryable", "fetched", "kept", "dropped", "truncated_by"],
            *["covered_from", "covered_to", "coverage", "warnings", "request", "redactions"],
            *["queued_at", "started_at", "finished_at"],
        ]
        read_only_fields = fields


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    runs = CollectionRunSerializer(many=True, read_only=True)

    class Meta:
        model = Collection
        fields = ["id", "trigger", "window_from", "window_to", "started_at", "finished_at", "runs"]
        read_only_fields = fields


class PostMortemSerializer(serializers.ModelSerializer[PostMortem]):
    incident = VisibleIncidentField()
    title = serializers.CharField(required=False)
    body = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    edited_by = PersonField(read_only=True)
    reviews = ReviewSerializer(many=True, read_only=True)
    published_by = PersonField(read_only=True)
    state = serializers.ChoiceField(
        choices=PostMortem.State.choices, required=False, help_text="Write `published` to publish."
    )

    class Meta:
        model = PostMortem
        fields = [
            *[
                "id",
                "incident",
                "title",
                "body",
                "state",
                "due_at",
                "edited_by",
                "reviews",
                "published_title",
                "published_body",
            ],
            *["published_at", "published_by", "resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["published_title", "published_body", "published_at", "resource_version", "created_at"]


class FollowUpSerializer(serializers.ModelSerializer[FollowUp]):
    key = serializers.CharField(read_only=True)
    incident = VisibleIncidentField()
    title = serializers.CharField()
    owner = PersonField(required=False, allow_null=True)
    created_by = PersonField(read_only=True)
    due_at = serializers.DateTimeField(required=False)

    class Meta:
        model = FollowUp
        fields = [
            *["number", "key", "incident", "title", "description", "type", "priority", "owner", "due_at", "status"],
            *["reason", "external_url", "created_by", "ended_at", "resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["number", "ended_at", "resource_version", "created_at"]
