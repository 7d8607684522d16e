from __future__ import annotations

from typing import Any

from rest_framework import serializers

from telemetry.models import Cluster, ClusterEvent, CoverageGap, Recording, Source


class ClusterSerializer(serializers.ModelSerializer[Cluster]):
    kubeconfig = serializers.CharField(
        write_only=True, trim_whitespace=False, help_text="YAML or JSON; never shown again."
    )
    allow_private = serializers.BooleanField(write_only=True, required=False, default=False)
    recorded = serializers.BooleanField(required=False, help_text="Let the recorder watch this cluster.")

    class Meta:
        model = Cluster
        fields = [
            "id",
            "name",
            "uid",
            "version",
            "kubeconfig",
            "allow_private",
            "recorded",
            "resource_version",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["uid", "version", "resource_version", "created_at"]


class SourceSerializer(serializers.ModelSerializer[Source]):
    name = serializers.CharField(max_length=80)
    cluster = serializers.SlugRelatedField(
        slug_field="name", queryset=Cluster.objects.all(), required=False, allow_null=True
    )
    auth = serializers.DictField(
        child=serializers.CharField(),
        write_only=True,
        required=False,
        help_text="bearer; username and password; api_key; client_cert and client_key.",
    )
    headers = serializers.DictField(child=serializers.CharField(), write_only=True, required=False)
    ca_pem = serializers.CharField(write_only=True, required=False, allow_blank=True, trim_whitespace=False)
    has_credentials = serializers.SerializerMethodField()

    class Meta:
        model = Source
        fields = [
            *["id", "name", "kind", "cluster", "url", "auth", "headers", "ca_pem", "has_credentials", "verify_tls"],
            *["allow_private", "options", "budget", "enabled", "preflight", "preflight_at"],
            *["resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["preflight", "preflight_at", "resource_version", "created_at"]

    def get_has_credentials(self, row: Source) -> bool:
        return bool(row.credentials)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None and attrs.get("kind", self.instance.kind) != self.instance.kind:
            raise serializers.ValidationError({"kind": "Cannot be changed; add another source."})
        return attrs


class AboutSerializer(serializers.Serializer[ClusterEvent]):
    """The object that an Event tells of."""

    group = serializers.CharField(source="about_group")
    kind = serializers.CharField(source="about_kind")
    namespace = serializers.CharField(source="about_namespace")
    name = serializers.CharField(source="about_name")
    uid = serializers.CharField(source="about_uid")
    field_path = serializers.CharField(source="about_field_path")


class EventSerializer(serializers.ModelSerializer[ClusterEvent]):
    cluster = serializers.SlugRelatedField[Cluster](slug_field="name", read_only=True)
    about = AboutSerializer(source="*", read_only=True)
    is_lower_bound = serializers.BooleanField(
        read_only=True, help_text="It went on until last_at, and count is the least number of times."
    )
    signal = serializers.CharField(read_only=True, help_text="The rule that recognised it, or empty.")
    redactions = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="How often each pattern was struck out."
    )
    gone_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When the cluster forgot it; null while it still has it."
    )

    class Meta:
        model = ClusterEvent
        fields = [
            *["uid", "cluster", "namespace", "name", "type", "reason", "message", "action", "about", "signal"],
            *["count", "highest_count", "is_lower_bound", "first_at", "last_at", "created_at", "gone_at"],
            *["reporter", "host", "redactions", "received_at", "updated_at"],
        ]
        read_only_fields = fields


class GapSerializer(serializers.ModelSerializer[CoverageGap]):
    class Meta:
        model = CoverageGap
        fields = ["started_at", "ended_at", "reason", "detail"]
        read_only_fields = fields


class RecordingSerializer(serializers.ModelSerializer[Recording]):
    gaps = GapSerializer(many=True, read_only=True, help_text="Of the last 24 hours, oldest first.")
    is_quiet = serializers.BooleanField(read_only=True, help_text="Nothing was heard for two minutes.")

    class Meta:
        model = Recording
        fields = [
            *["resource", "state", "is_quiet", "reason", "remedy", "since", "heard_at", "leader", "received", "stored"],
            *["dropped", "reconnects", "last_event_at", "lag_seconds", "per_minute", "gaps", "updated_at"],
        ]
        read_only_fields = fields
