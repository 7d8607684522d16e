"""`/api/v1/lessons`, `brownbags`, `search`."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet

from accounts.api.resources import CreateMixin, DestroyMixin, ListMixin, ResourceViewSet, RetrieveMixin, UpdateMixin
from accounts.problems import InvalidInput
from incidents.models import Incident, PostMortem
from knowledge.actions.lesson import change_lesson, create_lesson, decide_lesson, delete_lesson
from knowledge.api import serializers
from knowledge.models import Lesson


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
        for name in ("state", "reason"):
            if data.pop(name, "") not in {"", Lesson.State.WRITTEN}:
                raise InvalidInput(name, "is not for creating; change it afterwards")
        return create_lesson(by=self.person(), **data)

    def perform_update(self, row: Lesson, data: dict[str, Any]) -> Lesson:
        state, reason = data.pop("state", None), data.pop("reason", "")
        if data:
            row = change_lesson(lesson=row, by=self.person(), **data)
        if state is not None or reason:
            told = {"state": state or row.state, "reason": reason}
            row = decide_lesson(lesson=row, by=self.person(), now=self.now(), via="api", **told)
        return row

    def perform_destroy(self, row: Lesson) -> None:
        delete_lesson(lesson=row, by=self.person(), now=self.now(), via="api")
