"""`/api/v1/brownbags` with what happens around a session."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.permissions import AnswerPermission
from accounts.api.resources import (
    IDEMPOTENCY,
    CreateMixin,
    DestroyMixin,
    ListMixin,
    ResourceViewSet,
    RetrieveMixin,
    UpdateMixin,
)
from incidents.models import FollowUp, Incident
from knowledge.actions.brownbag import delete_brownbag, save_brownbag
from knowledge.actions.session import answer_invitation, end_session, give_feedback, mark_attendance, raise_followup
from knowledge.api.serializers import (
    AttendanceSerializer,
    BrownBagSerializer,
    EndSerializer,
    FeedbackSerializer,
    PresentSerializer,
    RaisedFollowUpSerializer,
)
from knowledge.models import BrownBagItem, BrownBagSession, Lesson


class BrownBagViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    queryset = BrownBagSession.objects.none()
    serializer_class = BrownBagSerializer
    ordering = "-id"

    def get_queryset(self) -> QuerySet[BrownBagSession]:
        seen = Q(postmortem=None) | Q(postmortem__incident__in=Incident.objects.visible_to(self.request.user))
        lessons = Q(lesson=None) | Q(lesson__in=Lesson.objects.visible_to(self.request.user))
        items = BrownBagItem.objects.filter(seen, lessons).select_related("lesson")
        rows = BrownBagSession.objects.select_related("host", "created_by")
        raised = FollowUp.objects.visible_to(self.request.user)
        return rows.prefetch_related(
            Prefetch("items", queryset=items),
            Prefetch("followups", queryset=raised),
            "attendances__user",
            "feedback__user",
        )

    def perform_create(self, data: dict[str, Any]) -> BrownBagSession:
        return save_brownbag(by=self.person(), **data)

    def perform_update(self, row: BrownBagSession, data: dict[str, Any]) -> BrownBagSession:
        return save_brownbag(session=row, by=self.person(), **data)

    def perform_destroy(self, row: BrownBagSession) -> None:
        delete_brownbag(session=row, by=self.person(), now=self.now(), via="api")

    @extend_schema(summary="Answer the invitation", request=AttendanceSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"], permission_classes=[AnswerPermission])
    def answer_invitation(self, request: Request, pk: int) -> Response:
        return self._deed(request, AttendanceSerializer, answer_invitation)

    @extend_schema(summary="Give feedback", request=FeedbackSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"], permission_classes=[AnswerPermission])
    def give_feedback(self, request: Request, pk: int) -> Response:
        return self._deed(request, FeedbackSerializer, give_feedback)

    @extend_schema(summary="Note who was there", request=PresentSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def attendance(self, request: Request, pk: int) -> Response:
        return self._deed(request, PresentSerializer, mark_attendance)

    @extend_schema(summary="Raise a follow-up", request=RaisedFollowUpSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def raise_followup(self, request: Request, pk: int) -> Response:
        return self._deed(request, RaisedFollowUpSerializer, raise_followup)

    @extend_schema(summary="End the session", request=EndSerializer, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: int) -> Response:
        return self._deed(request, EndSerializer, end_session)

    def _deed(self, request: Request, kind: type[BaseSerializer[Any]], act: Any) -> Response:
        """One action with the request's fields; the session as it is then."""
        row = self.get_object()
        told = kind(data=request.data, context=self.get_serializer_context())
        told.is_valid(raise_exception=True)

        def once() -> Response:
            act(session=row, by=self.person(), now=self.now(), **told.validated_data)
            return self.answer(self.fresh(row))

        return self.once(request, once)
