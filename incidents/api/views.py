"""`/api/v1/incidents` and what hangs on an incident, post-mortems, follow-ups."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.resources import CreateMixin, ListMixin, ResourceViewSet, RetrieveMixin, UpdateMixin
from accounts.problems import InvalidInput
from incidents.actions.collection import collect_again
from incidents.actions.followup import change_followup, create_followup
from incidents.actions.incident import change_incident, change_status, declare_incident, set_roles
from incidents.actions.milestone import set_milestone
from incidents.actions.timeline import add_note, change_entry
from incidents.actions.update import post_update
from incidents.api import serializers
from incidents.models import Collection, Evidence, FollowUp, Incident, IncidentUpdate, Milestone, TimelineEntry

NUMBER = OpenApiParameter("number", int, OpenApiParameter.PATH, description="The n of INC-n.")


def _query(name: str, text: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.QUERY, description=text)


class IncidentViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, ResourceViewSet):
    queryset = Incident.objects.none()
    serializer_class = serializers.IncidentSerializer
    lookup_field = "number"
    lookup_value_converter = "int"
    ordering = "-number"
    filterset_fields = ("status", "kind", "severity__name", "visibility")

    def get_queryset(self) -> QuerySet[Incident]:
        joined = ("severity", "declared_by", "duplicate_of", "recurrence_of")
        rows = Incident.objects.visible_to(self.request.user).select_related(*joined)
        rows = rows.prefetch_related("milestones", "clusters", "roles__user")
        text = self.request.query_params.get("q", "").strip()
        return rows.matching(text[:200]) if text and self.action == "list" else rows

    def perform_create(self, data: dict[str, Any]) -> Incident:
        for name in ("status", "closure_reason", "duplicate_of", "reason", "roles"):
            if data.pop(name, None):
                raise InvalidInput(name, "is not for declaring; change it afterwards")
        return declare_incident(by=self.person(), now=self.now(), via="api", **data)

    def perform_update(self, row: Incident, data: dict[str, Any]) -> Incident:
        by, now = self.person(), self.now()
        roles = data.pop("roles", None)
        moved = {
            name: data.pop(name) for name in ("status", "closure_reason", "duplicate_of", "reason") if name in data
        }
        for name in ("impact_started_at", "detected_at"):
            if name in data:
                raise InvalidInput(name, "is set through milestones")
        if data:
            row = change_incident(incident=row, by=by, now=now, via="api", **data)
        if roles is not None:
            set_roles(incident=row, roles=[(one["role"], one["user"]) for one in roles], by=by, now=now)
        if moved and "status" not in moved:
            raise InvalidInput("status", "expected together with closure_reason, duplicate_of or reason")
        if "status" in moved:
            row = change_status(incident=row, by=by, now=now, via="api", **moved)
        return row


class PartOfIncident(ResourceViewSet):
    """Rows below /incidents/{number}/; the incident decides who sees them."""

    def get_incident(self) -> Incident:
        rows = Incident.objects.visible_to(self.request.user)
        return get_object_or_404(rows, number=self.kwargs["number"])


@extend_schema_view(list=extend_schema(parameters=[NUMBER, _query("type", "Evidence type.")]))
class EvidenceViewSet(ListMixin, RetrieveMixin, PartOfIncident):
    queryset = Evidence.objects.none()
    serializer_class = serializers.EvidenceSerializer
    lookup_field = "number"
    lookup_url_kwarg = "evidence"
    ordering = "number"
    filterset_fields = ("type", "level", "source_name")

    def get_queryset(self) -> QuerySet[Evidence]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Evidence.objects.filter(incident=self.get_incident())


class TimelineViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, PartOfIncident):
    """POST adds a note; PATCH pins, hides, or edits a note."""

    queryset = TimelineEntry.objects.none()
    serializer_class = serializers.TimelineEntrySerializer
    ordering = ("occurred_at", "id")
    filterset_fields = ("source", "level", "pinned", "hidden")

    def get_queryset(self) -> QuerySet[TimelineEntry]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return TimelineEntry.objects.filter(incident=self.get_incident()).select_related("actor", "evidence")

    def perform_create(self, data: dict[str, Any]) -> TimelineEntry:
        at = data.get("occurred_at")
        incident = self.get_incident()
        return add_note(incident=incident, text=data.get("text", ""), by=self.person(), now=self.now(), occurred_at=at)

    def perform_update(self, row: TimelineEntry, data: dict[str, Any]) -> TimelineEntry:
        return change_entry(entry=row, by=self.person(), now=self.now(), **data)


class IncidentUpdateViewSet(ListMixin, CreateMixin, PartOfIncident):
    """POST tells stakeholders, as the page and chats do."""

    queryset = IncidentUpdate.objects.none()
    serializer_class = serializers.IncidentUpdateSerializer
    ordering = ("-posted_at", "-id")

    def get_queryset(self) -> QuerySet[IncidentUpdate]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return IncidentUpdate.objects.filter(incident=self.get_incident()).select_related("posted_by")

    def perform_create(self, data: dict[str, Any]) -> IncidentUpdate:
        now, following = self.now(), data.pop("next_at", None)
        if following is not None:
            data["next_in"] = following - now
        return post_update(incident=self.get_incident(), by=self.person(), now=now, via="api", **data)


class MilestoneViewSet(ListMixin, CreateMixin, PartOfIncident):
    """POST sets or moves the milestone of that kind."""

    queryset = Milestone.objects.none()
    serializer_class = serializers.MilestoneSerializer
    ordering = ("at", "id")

    def get_queryset(self) -> QuerySet[Milestone]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Milestone.objects.filter(incident=self.get_incident()).select_related("set_by")

    def perform_create(self, data: dict[str, Any]) -> Milestone:
        incident, by = self.get_incident(), self.person()
        return set_milestone(incident=incident, kind=data["kind"], at=data["at"], by=by, now=self.now())


class CollectionViewSet(ListMixin, RetrieveMixin, PartOfIncident):
    """POST without a body collects again."""

    queryset = Collection.objects.none()
    serializer_class = serializers.CollectionSerializer

    def get_queryset(self) -> QuerySet[Collection]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Collection.objects.filter(incident=self.get_incident()).prefetch_related("runs")

    @extend_schema(summary="Collect again", request=None, responses={201: serializers.CollectionSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        def act() -> Response:
            row = collect_again(incident=self.get_incident(), by=self.person(), now=self.now())
            return self.answer(self.fresh(row), status=201)

        return self.once(request, act)


class FollowUpViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, ResourceViewSet):
    queryset = FollowUp.objects.none()
    serializer_class = serializers.FollowUpSerializer
    lookup_field = "number"
    lookup_value_converter = "int"
    ordering = "-number"
    filterset_fields = ("status", "type", "priority", "incident__number", "owner__username")

    def get_queryset(self) -> QuerySet[FollowUp]:
        return FollowUp.objects.visible_to(self.request.user).select_related("incident", "owner", "created_by")

    def perform_create(self, data: dict[str, Any]) -> FollowUp:
        for name in ("status", "reason"):
            if data.pop(name, None) not in {None, "", FollowUp.Status.OPEN}:
                raise InvalidInput(name, "is not for creating; change it afterwards")
        return create_followup(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: FollowUp, data: dict[str, Any]) -> FollowUp:
        if data.pop("incident", row.incident).pk != row.incident_id:
            raise InvalidInput("incident", "cannot be changed")
        return change_followup(followup=row, by=self.person(), now=self.now(), **data)
