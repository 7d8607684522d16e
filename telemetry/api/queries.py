"""`/api/v1/queries`: what incidents ask beside the usual; writing is for admins."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.resources import CreateMixin, DestroyMixin, ListMixin, ResourceViewSet, RetrieveMixin, UpdateMixin
from telemetry.actions.query import delete_template, save_template
from telemetry.models import QueryTemplate, Source


class QueryTemplateSerializer(serializers.ModelSerializer[QueryTemplate]):
    source = serializers.SlugRelatedField(  # type: ignore[assignment]
        slug_field="name", queryset=Source.objects.all(), required=False, allow_null=True
    )
    changed_by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    resource_version = serializers.IntegerField(read_only=True)

    class Meta:
        model = QueryTemplate
        fields = [
            *["id", "name", "title", "language", "source", "expr", "unit", "services", "namespaces", "enabled"],
            *["changed_by", "changed_at", "resource_version"],
        ]
        read_only_fields = ["changed_at"]


class QueryTemplateViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    queryset = QueryTemplate.objects.select_related("source", "changed_by")
    serializer_class = QueryTemplateSerializer
    ordering = "id"
    filterset_fields = ("language", "enabled")
    admin_writes = True

    def perform_create(self, data: dict[str, Any]) -> QueryTemplate:
        return save_template(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: QueryTemplate, data: dict[str, Any]) -> QueryTemplate:
        return save_template(template=row, by=self.person(), now=self.now(), **data)

    def perform_destroy(self, row: QueryTemplate) -> None:
        delete_template(template=row, by=self.person(), now=self.now())
