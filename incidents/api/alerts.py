"""`/api/v1/alerts`, which is read only, and `/api/v1/alert-rules`, which admins write."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.resources import CreateMixin, DestroyMixin, ListMixin, ResourceViewSet, RetrieveMixin, UpdateMixin
from incidents.actions.alert_rule import delete_rule, save_rule
from incidents.models import AlertDeed, AlertRule, Severity
from telemetry.models import Alert, Source


class DeedSerializer(serializers.ModelSerializer[AlertDeed]):
    """What became of an alert."""

    rule = serializers.SlugRelatedField[AlertRule](slug_field="name", read_only=True)
    incident = serializers.IntegerField(source="incident.number", read_only=True, help_text="The n of INC-n.")

    class Meta:
        model = AlertDeed
        fields = ["outcome", "rule", "incident", "words", "at"]
        read_only_fields = fields


class AlertSerializer(serializers.ModelSerializer[Alert]):
    source = serializers.SlugRelatedField[Source](slug_field="name", read_only=True)  # type: ignore[assignment]
    deed = serializers.SerializerMethodField(help_text="Null until somebody looked at it.")

    class Meta:
        model = Alert
        fields = [
            *["id", "source", "fingerprint", "status", "starts_at", "ends_at", "title", "severity", "labels"],
            *["annotations", "url", "redactions", "received_at", "changed_at", "deed"],
        ]
        read_only_fields = fields

    @extend_schema_field(DeedSerializer(allow_null=True))
    def get_deed(self, row: Alert) -> Any:
        deed = getattr(row, "deed", None)
        return None if deed is None else DeedSerializer(deed).data


class AlertRuleSerializer(serializers.ModelSerializer[AlertRule]):
    """The first enabled rule that matches decides, in the order of `position`."""

    source = serializers.SlugRelatedField(  # type: ignore[assignment]
        slug_field="name", queryset=Source.objects.all(), required=False, allow_null=True
    )
    severity = serializers.SlugRelatedField(slug_field="name", queryset=Severity.objects.all())
    severities = serializers.DictField(
        child=serializers.SlugRelatedField(slug_field="name", queryset=Severity.objects.all()),
        required=False,
        help_text="Severity by the word of `severity_label`.",
    )
    changed_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    resource_version = serializers.IntegerField(read_only=True)

    class Meta:
        model = AlertRule
        fields = [
            *["id", "name", "position", "enabled", "source", "matchers", "action", "severity", "severity_label"],
            *["severities", "namespace_label", "service_label", "cluster_label", "group_by", "when_ended"],
            *["changed_by", "changed_at", "resource_version"],
        ]
        read_only_fields = ["position", "changed_at"]

    def to_representation(self, row: AlertRule) -> dict[str, Any]:
        known = _names(self.context)
        named = {word: known[pk] for word, pk in row.severities.items() if pk in known}
        told = dict(row.severities)
        # The field writes names where the row keeps ids.
        row.severities = {}
        shown = super().to_representation(row)
        row.severities = told
        return {**shown, "severities": named}

    def validate_severities(self, given: dict[str, Severity]) -> dict[str, int]:
        return {word: severity.pk for word, severity in given.items()}


def _names(context: Any) -> dict[int, str]:
    """Read once for a whole page."""
    if "severity_names" not in context:
        context["severity_names"] = {one.pk: one.name for one in Severity.objects.all()}
    found: dict[int, str] = context["severity_names"]
    return found


class AlertViewSet(ListMixin, RetrieveMixin, ResourceViewSet):
    """Without those that led to an incident which the asker may not see."""

    queryset = Alert.objects.none()
    serializer_class = AlertSerializer
    ordering = "-id"
    filterset_fields = ("status", "source__name", "fingerprint")

    def get_queryset(self) -> QuerySet[Alert]:
        seen = AlertDeed.objects.for_page(self.request.user).values("pk")
        hidden = AlertDeed.objects.exclude(pk__in=seen).values("alert")
        rows = Alert.objects.exclude(pk__in=hidden)
        return rows.select_related("source", "deed__rule", "deed__incident")


class AlertRuleViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    queryset = AlertRule.objects.select_related("source", "severity", "changed_by")
    serializer_class = AlertRuleSerializer
    ordering = "position"
    admin_writes = True

    def perform_create(self, data: dict[str, Any]) -> AlertRule:
        return save_rule(by=self.person(), now=self.now(), via="api", **data)

    def perform_update(self, row: AlertRule, data: dict[str, Any]) -> AlertRule:
        return save_rule(rule=row, by=self.person(), now=self.now(), via="api", **data)

    def perform_destroy(self, row: AlertRule) -> None:
        delete_rule(rule=row, by=self.person(), now=self.now())
