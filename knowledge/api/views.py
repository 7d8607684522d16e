"""`/api/v1/lessons`, `brownbags`, `search`."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.resources import CreateMixin, DestroyMixin, ListMixin, ResourceViewSet, RetrieveMixin, UpdateMixin
from accounts.problems import InvalidInput
from incidents.models import Incident, PostMortem
from knowledge.actions.brownbag import delete_brownbag, save_brownbag
from knowledge.actions.lesson import change_lesson, create_lesson, delete_lesson
from knowledge.api import serializers
from knowledge.models import BrownBagItem, BrownBagSession, Lesson
from knowledge.search import search


class Everything(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    """A resource that is listed, read, created, changed and deleted."""


class LessonViewSet(Everything):
    queryset = Lesson.objects.none()
    serializer_class = serializers.LessonSerializer
    lookup_field = "number"
    lookup_value_converter = "int"
    ordering = "-number"

    def get_queryset(self) -> QuerySet[Lesson]:
        rows = Lesson.objects.visible_to(self.request.user)
        text = self.request.query_params.get("q", "").strip()
        if text and self.action == "list":
            rows = rows.matching(text[:200])
        seen = PostMortem.objects.filter(incident__in=Incident.objects.visible_to(self.request.user))
        return rows.select_related("created_by").prefetch_related(Prefetch("postmortems", queryset=seen))

    def perform_create(self, data: dict[str, Any]) -> Lesson:
        return create_lesson(by=self.person(), **data)

    def perform_update(self, row: Lesson, data: dict[str, Any]) -> Lesson:
        return change_lesson(lesson=row, by=self.person(), **data)

    def perform_destroy(self, row: Lesson) -> None:
        delete_lesson(lesson=row, by=self.person(), now=self.now(), via="api")


class BrownBagViewSet(Everything):
    queryset = BrownBagSession.objects.none()
    serializer_class = serializers.BrownBagSerializer
    ordering = "-id"

    def get_queryset(self) -> QuerySet[BrownBagSession]:
        seen = Q(postmortem=None) | Q(postmortem__incident__in=Incident.objects.visible_to(self.request.user))
        lessons = Q(lesson=None) | Q(lesson__in=Lesson.objects.visible_to(self.request.user))
        items = BrownBagItem.objects.filter(seen, lessons).select_related("lesson")
        rows = BrownBagSession.objects.select_related("host", "created_by")
        return rows.prefetch_related(Prefetch("items", queryset=items))

    def perform_create(self, data: dict[str, Any]) -> BrownBagSession:
        return save_brownbag(by=self.person(), **data)

    def perform_update(self, row: BrownBagSession, data: dict[str, Any]) -> BrownBagSession:
        return save_brownbag(session=row, by=self.person(), **data)

    def perform_destroy(self, row: BrownBagSession) -> None:
        delete_brownbag(session=row, by=self.person(), now=self.now(), via="api")


class SearchView(APIView):
    @extend_schema(
        summary="Search",
        parameters=[OpenApiParameter("q", str, required=True), OpenApiParameter("kind", str)],
        responses={200: {"type": "object", "properties": {"results": {"type": "array", "items": {"type": "object"}}}}},
    )
    def get(self, request: Request) -> Response:
        text, kind = request.query_params.get("q", ""), request.query_params.get("kind", "")
        if not text.strip():
            raise InvalidInput("q", "is empty; expected words to look for")
        hits = search(text, request.user, kind=kind)
        return Response(
            {"results": [{"kind": h.kind, "title": h.title, "url": h.url, "snippet": h.snippet} for h in hits]}
        )
