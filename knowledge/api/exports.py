"""`/api/v1/exports`: files for the person who asks, made by a worker."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.api.permissions import AnswerPermission, RolePermission
from accounts.api.resources import CreateMixin, ListMixin, ResourceViewSet, RetrieveMixin
from knowledge.actions.export import request_export
from knowledge.exports.formats import FORMATS
from knowledge.exports.keeping import INSIDE, exports_of
from knowledge.models import Export

_NAMES = sorted({name for formats in FORMATS.values() for name in formats})


class ExportSerializer(serializers.ModelSerializer[Export]):
    subject = serializers.ChoiceField(choices=list(FORMATS), help_text="What it is made of.")
    ref = serializers.IntegerField(
        required=False, default=0, min_value=0, help_text="The id of the session or post-mortem; 0 for lists."
    )
    format = serializers.ChoiceField(choices=_NAMES)
    query = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=200),
        required=False,
        help_text="Of a list of incidents: q, status, severity, kind.",
    )
    file = serializers.SerializerMethodField(help_text="Where the file is fetched, once it is done.")

    class Meta:
        model = Export
        fields = [
            *["id", "subject", "ref", "format", "query", "title", "state", "progress", "step", "reason", "left_out"],
            *["file", "file_name", "content_type", "size", "sha256", "digest", "requested_at", "finished_at"],
        ]
        read_only_fields = [
            *["title", "state", "progress", "step", "reason", "left_out", "file_name", "content_type", "size"],
            *["sha256", "digest", "requested_at", "finished_at"],
        ]

    def to_representation(self, instance: Export) -> dict[str, Any]:
        """What went in is kept for Debrief's own use."""
        told = super().to_representation(instance)
        return {**told, "query": {name: value for name, value in told["query"].items() if name not in INSIDE}}

    def get_file(self, row: Export) -> str | None:
        return reverse("export-file", args=[row.pk]) if row.state == Export.State.DONE else None


class ExportPermission(RolePermission):
    """Whoever reads may ask for a file of what they read."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method in SAFE_METHODS:
            return super().has_permission(request, view)
        return AnswerPermission().has_permission(request, view)


class ExportViewSet(ListMixin, RetrieveMixin, CreateMixin, ResourceViewSet):
    queryset = Export.objects.none()
    serializer_class = ExportSerializer
    permission_classes = [ExportPermission]
    ordering = "-id"
    filterset_fields = ("subject", "ref", "format", "state")

    def get_queryset(self) -> QuerySet[Export]:
        return exports_of(self.person())

    def perform_create(self, data: dict[str, Any]) -> Export:
        return request_export(by=self.person(), now=self.now(), **data)
