from __future__ import annotations

from typing import Any

from rest_framework import serializers

from telemetry.models import Cluster, Source


class ClusterSerializer(serializers.ModelSerializer[Cluster]):
    kubeconfig = serializers.CharField(
        write_only=True, trim_whitespace=False, help_text="YAML or JSON; never shown again."
    )
    allow_private = serializers.BooleanField(write_only=True, required=False, default=False)

    class Meta:
        model = Cluster
        fields = [
            "id",
            "name",
            "uid",
            "version",
            "kubeconfig",
            "allow_private",
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
