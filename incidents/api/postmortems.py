"""`/api/v1/postmortems`: read, write beside open editors, review, publish."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.permissions import AnswerPermission
from accounts.api.resources import IF_MATCH, CreateMixin, ListMixin, ResourceViewSet, RetrieveMixin, UpdateMixin
from accounts.problems import InvalidInput, StaleWrite
from incidents.actions.postmortem import open_postmortem, save_postmortem, set_aside
from incidents.actions.publication import publish_postmortem
from incidents.actions.review import ask_for_review, give_verdict
from incidents.api import serializers
from incidents.models import Incident, PostMortem
from incidents.writing.documents import current_text, text_at


class PostMortemViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, ResourceViewSet):
    queryset = PostMortem.objects.none()
    serializer_class = serializers.PostMortemSerializer
    ordering = "-id"
    filterset_fields = ("state", "incident__number")
    based_on: int | None = None

    def get_queryset(self) -> QuerySet[PostMortem]:
        seen = Incident.objects.visible_to(self.request.user)
        rows = PostMortem.objects.filter(incident__in=seen)
        return rows.select_related("incident", "edited_by", "published_by").prefetch_related("reviews__reviewer")

    def perform_create(self, data: dict[str, Any]) -> PostMortem:
        incident, by, now = data.pop("incident"), self.person(), self.now()
        if data and PostMortem.objects.filter(incident=incident).exists():
            raise InvalidInput("incident", "has a post-mortem already; change that one with PATCH and its ETag")
        row = open_postmortem(incident=incident, by=by, now=now)
        return self._write(row, data) if data else row

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        current_text(self.get_object().pk, self.now())
        return super().retrieve(request, *args, **kwargs)

    def locked(self) -> Any:
        current_text(self.get_object().pk, self.now())
        return self.get_object()

    def stale(self, request: Request, row: Any) -> Response | None:
        """A text based on an earlier version is merged, see save_postmortem; all else is refused as everywhere."""
        refused = super().stale(request, row)
        version = re.fullmatch(r'(?:W/)?"(\d{1,18})"', request.headers.get("If-Match", "").strip())
        if refused is not None and version and _only_text(request.data):
            self.based_on = int(version[1])
            return None
        return refused

    @extend_schema(
        summary="Change",
        parameters=[IF_MATCH],
        description="A `title` or `body` with a stale `If-Match` is merged with what was written since. What cannot "
        "be merged gets 412 with the current object, and is kept for the people in the editor to compare.",
    )
    @transaction.atomic
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            with transaction.atomic():
                return super().partial_update(request, *args, **kwargs)
        except StaleWrite as problem:
            row: PostMortem = self.get_object()
            sent: dict[str, Any] = request.data  # type: ignore[assignment]  # _only_text looked at it
            set_aside(
                postmortem=row,
                based_on=self.based_on or 0,
                title=sent.get("title", row.title),
                body=sent.get("body", row.body),
                by=self.person(),
                via="api",
                now=self.now(),
            )
            return self.conflict(problem.current)

    def perform_update(self, row: PostMortem, data: dict[str, Any]) -> PostMortem:
        if data.pop("incident", row.incident).pk != row.incident_id:
            raise InvalidInput("incident", "cannot be changed")
        return self._write(row, data)

    @extend_schema(
        summary="Ask for review",
        request=serializers.ReviewRequestSerializer,
        responses=serializers.PostMortemSerializer,
    )
    @action(detail=True, methods=["post"])
    def review(self, request: Request, pk: str | None = None) -> Response:
        asked = serializers.ReviewRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = ask_for_review(postmortem=self.get_object(), by=self.person(), now=self.now(), **asked.validated_data)
        return self.answer(self.fresh(row))

    @extend_schema(
        summary="Approve, or ask for changes",
        request=serializers.VerdictSerializer,
        responses=serializers.PostMortemSerializer,
    )
    @action(detail=True, methods=["post"], permission_classes=[AnswerPermission])
    def verdict(self, request: Request, pk: str | None = None) -> Response:
        given = serializers.VerdictSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = self.get_object()
        give_verdict(postmortem=row, by=self.person(), now=self.now(), **given.validated_data)
        return self.answer(self.fresh(row))

    @extend_schema(summary="Texts as they once were", responses=serializers.RevisionSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None)
    def revisions(self, request: Request, pk: str | None = None) -> Response:
        rows = self.get_object().revisions.select_related("author")[:200]
        return Response(serializers.RevisionSerializer(rows, many=True).data)

    def _write(self, row: PostMortem, data: dict[str, Any]) -> PostMortem:
        by, now = self.person(), self.now()
        state = data.pop("state", row.state)
        if state not in {row.state, PostMortem.State.PUBLISHED}:
            raise InvalidInput("state", "expected published; review is asked for on the page")
        if data:
            base = text_at(row, self.based_on) if self.based_on is not None else None
            title, body = base or (row.title, row.body)
            row = save_postmortem(
                postmortem=row,
                based_on=self.based_on,
                via="api",
                title=data.get("title", title),
                body=data.get("body", body),
                due_at=data.get("due_at"),
                by=by,
                now=now,
            )
        if state == PostMortem.State.PUBLISHED and row.state != state:
            row = publish_postmortem(postmortem=row, by=by, now=now, via="api")
        return row


def _only_text(data: Any) -> bool:
    return isinstance(data, dict) and bool(data) and set(data) <= {"title", "body"}
