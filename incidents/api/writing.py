"""`/api/v1/incidents/{number}/pictures` and `/api/v1/postmortem-templates`: what a text is made with."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import PersonField
from accounts.api.resources import ListMixin, ResourceViewSet, RetrieveMixin
from accounts.problems import InvalidInput
from incidents.actions.picture import store_picture
from incidents.api.views import NUMBER, PartOfIncident
from incidents.models import Picture, PostMortemTemplate
from incidents.pictures import BYTES


class PictureSerializer(serializers.ModelSerializer[Picture]):
    address = serializers.CharField(source="get_absolute_url", read_only=True, help_text="Where it is served.")
    created_by = PersonField(read_only=True)

    class Meta:
        model = Picture
        fields = (
            "id",
            "name",
            "content_type",
            "width",
            "height",
            "size",
            "sha256",
            "address",
            "created_by",
            "created_at",
        )
        read_only_fields = fields


class PictureUploadSerializer(serializers.Serializer[Any]):
    picture = serializers.FileField(help_text=f"PNG, JPEG, GIF or WebP, at most {BYTES // 2**20} MiB.")


class TemplateSerializer(serializers.ModelSerializer[PostMortemTemplate]):
    class Meta:
        model = PostMortemTemplate
        fields = ("id", "name", "body", "is_default", "updated_at")
        read_only_fields = fields


@extend_schema_view(list=extend_schema(parameters=[NUMBER]))
class PictureViewSet(ListMixin, RetrieveMixin, PartOfIncident):
    """POST a multipart form; the same picture a second time is answered with the row that is there."""

    queryset = Picture.objects.none()
    serializer_class = PictureSerializer
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> QuerySet[Picture]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        rows = Picture.objects.filter(incident=self.get_incident())
        return rows.select_related("incident", "created_by").defer("data")

    @extend_schema(
        summary="Keep a picture",
        request={"multipart/form-data": PictureUploadSerializer},
        responses={201: PictureSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        incident = self.get_incident()
        sent = request.FILES.get("picture")
        if not isinstance(sent, UploadedFile):
            raise InvalidInput("picture", "is missing; send the file in the field picture of a multipart form")
        if (sent.size or 0) > BYTES:
            raise InvalidInput(
                "picture", f"has {(sent.size or 0) / 2**20:.1f} MiB; expected at most {BYTES // 2**20} MiB"
            )
        row = store_picture(incident=incident, name=sent.name or "", data=sent.read(), by=self.person(), now=self.now())
        return self.answer(self.fresh(row), status=201)


class TemplateViewSet(ListMixin, RetrieveMixin, ResourceViewSet):
    """Read-only: templates are written on the settings page."""

    queryset = PostMortemTemplate.objects.filter(retired_at=None)
    serializer_class = TemplateSerializer
    ordering = "id"
