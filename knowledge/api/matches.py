"""`/api/v1/incidents/{number}/matches`, `…/lessons` and `…/merge`: what was seen before, and what people say of it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import PersonField
from accounts.api.resources import CreateMixin, ListMixin, RetrieveMixin, UpdateMixin
from accounts.problems import InvalidInput
from incidents.actions.merge import merge_incident, undo_merge
from incidents.api.serializers import VisibleIncidentField
from incidents.api.views import PartOfIncident
from incidents.models import Incident, IncidentMerge
from knowledge.actions.matching import answer_lesson, decide_match
from knowledge.models import Lesson, LessonShowing, Match
from knowledge.weighing import is_likely


class ReasonSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    weight = serializers.FloatField()
    own = serializers.ListField(child=serializers.IntegerField(), help_text="E-n of this incident.")
    theirs = serializers.ListField(child=serializers.IntegerField(), help_text="E-n of the earlier one.")


class MatchSerializer(serializers.ModelSerializer[Match]):
    earlier: Any = serializers.SlugRelatedField(slug_field="number", read_only=True)
    title = serializers.CharField(source="earlier.title", read_only=True)
    reasons = ReasonSerializer(many=True, read_only=True)
    is_likely = serializers.SerializerMethodField(help_text="The cause may well be the same.")
    decided_by = PersonField(read_only=True)

    class Meta:
        model = Match
        fields = [
            *["id", "earlier", "title", "score", "is_likely", "reasons", "verdict", "decided_by", "decided_at"],
            *["found_at", "resource_version"],
        ]
        read_only_fields = ["score", "decided_at", "found_at"]

    def get_is_likely(self, row: Match) -> bool:
        return is_likely(row.score, row.reasons)


class MatchViewSet(ListMixin, RetrieveMixin, UpdateMixin, PartOfIncident):
    """PATCH {"verdict"}: `same_cause`, `not_this`, or "" to take it back."""

    queryset = Match.objects.none()
    serializer_class = MatchSerializer
    ordering = ("-score", "-id")

    def get_queryset(self) -> QuerySet[Match]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        rows = Match.objects.filter(incident=self.get_incident()).visible_to(self.request.user)
        return rows.select_related("earlier", "decided_by")

    def perform_update(self, row: Match, data: dict[str, Any]) -> Match:
        verdict = data.get("verdict", row.verdict)
        return decide_match(match=row, verdict=verdict, by=self.person(), now=self.now(), via="api")


class LessonShowingSerializer(serializers.ModelSerializer[LessonShowing]):
    lesson: Any = serializers.SlugRelatedField(slug_field="number", read_only=True)
    statement = serializers.CharField(source="lesson.statement", read_only=True)
    by = PersonField(read_only=True)

    class Meta:
        model = LessonShowing
        fields = ["id", "lesson", "statement", "reasons", "answer", "by", "at", "shown_at"]
        read_only_fields = ["reasons", "at", "shown_at"]


class LessonShowingViewSet(ListMixin, RetrieveMixin, UpdateMixin, PartOfIncident):
    """Lessons that came back in an incident; PATCH {"answer"}: `helped`, `ignored`, or ""."""

    queryset = LessonShowing.objects.none()
    serializer_class = LessonShowingSerializer
    ordering = ("-shown_at", "-id")

    def get_queryset(self) -> QuerySet[LessonShowing]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        seen = Lesson.objects.visible_to(self.request.user).values("pk")
        rows = LessonShowing.objects.filter(incident=self.get_incident(), lesson__in=seen)
        return rows.select_related("lesson", "by")

    def perform_update(self, row: LessonShowing, data: dict[str, Any]) -> LessonShowing:
        answer = data.get("answer", row.answer)
        return answer_lesson(showing=row, answer=answer, by=self.person(), now=self.now())


class MergeSerializer(serializers.ModelSerializer[IncidentMerge]):
    incident = VisibleIncidentField(read_only=True)
    into = VisibleIncidentField()
    merged_by = PersonField(read_only=True)
    undone_by = PersonField(read_only=True)

    class Meta:
        model = IncidentMerge
        fields = ["id", "incident", "into", "reason", "merged_by", "merged_at", "undone_by", "undone_at"]
        read_only_fields = ["merged_at", "undone_at"]


class MergeViewSet(ListMixin, RetrieveMixin, CreateMixin, PartOfIncident):
    """POST {"into", "reason"} closes this incident as a duplicate of that one; DELETE takes it out again."""

    queryset = IncidentMerge.objects.none()
    serializer_class = MergeSerializer

    def get_queryset(self) -> QuerySet[IncidentMerge]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        seen = Incident.objects.visible_to(self.request.user)
        rows = IncidentMerge.objects.filter(incident=self.get_incident(), into__in=seen)
        return rows.select_related("incident", "into", "merged_by", "undone_by")

    def perform_create(self, data: dict[str, Any]) -> IncidentMerge:
        into = data.get("into")
        if into is None:
            raise InvalidInput("into", "expected the number of another incident")
        reason = data.get("reason", "")
        incident = self.get_incident()
        return merge_incident(incident=incident, into=into, reason=reason, by=self.person(), now=self.now(), via="api")

    @extend_schema(summary="Undo")
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        undo_merge(merge=self.get_object(), by=self.person(), now=self.now(), via="api")
        return Response(status=204)
