"""`/api/v1/events` and `/api/v1/clusters/{id}/recordings`: what the recorder keeps, and how it goes. Read only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.api.pagination import CursorPages
from accounts.api.resources import ListMixin, ResourceViewSet
from accounts.problems import InvalidInput
from telemetry.api.serializers import EventSerializer, RecordingSerializer
from telemetry.browsing import TooMuch, UnknownPlace, events_page, wanted_from
from telemetry.models import Cluster, ClusterEvent, Recording
from telemetry.recordings import gaps_between, is_quiet

GAPS_WITHIN = timedelta(hours=24)


def _asked(name: str, text: str, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text)


FILTERS = [
    _asked("cluster", "Name of a connected cluster."),
    _asked("namespace", "Of the Event itself; Events about nodes are in `default`."),
    _asked("kind", "Kind of the object that it tells of, such as Pod."),
    _asked("object", "Name of that object."),
    _asked("reason", "Such as BackOff."),
    _asked("type", "Normal or Warning."),
    _asked("signal", "Name of the rule that recognised it."),
    _asked("since", "Events that went on at this time or later, with a zone.", OpenApiTypes.DATETIME),
    _asked("until", "Events that began before this time, with a zone.", OpenApiTypes.DATETIME),
    _asked("q", "Words in the message or the object's name."),
]


class EventPages(CursorPages):
    """Ordered by two columns, which DRF's own cursor cannot hold: storms put thousands into one second."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        self.request = request
        self.address = request.build_absolute_uri()
        wanted = wanted_from(request.query_params)
        after = request.query_params.get(self.cursor_query_param, "")
        size = self.get_page_size(request) or self.page_size
        try:
            page = events_page(wanted, after=after, size=size)
        except UnknownPlace:
            raise NotFound(self.invalid_cursor_message) from None
        except TooMuch as problem:
            raise InvalidInput("since", f"{problem} or one namespace") from None
        self.following = page.following
        return page.rows

    def get_next_link(self) -> str | None:
        if not self.following:
            return None
        return replace_query_param(self.address, self.cursor_query_param, self.following)


@extend_schema_view(
    list=extend_schema(parameters=FILTERS, description="Newest first. Lack of an Event proves nothing.")
)
class EventViewSet(ListMixin, ResourceViewSet):
    queryset = ClusterEvent.objects.none()
    serializer_class = EventSerializer
    pagination_class = EventPages
    filter_backends = ()
    lookup_field = "uid"

    @extend_schema(summary="Read one", parameters=[FILTERS[0]])
    def retrieve(self, request: Request, uid: str) -> Response:
        wanted = wanted_from({"cluster": request.query_params.get("cluster", "")})
        clusters = Cluster.objects.in_bulk()
        row = wanted.rows(clusters).filter(uid=uid).order_by("-last_at", "-id").first()
        if row is None:
            raise Http404
        row.cluster = clusters[row.cluster_id]
        return Response(self.get_serializer(row).data)


class RecordingViewSet(ListMixin, ResourceViewSet):
    """How the recording of each resource goes."""

    queryset = Recording.objects.none()
    serializer_class = RecordingSerializer
    ordering = "resource"
    filterset_fields = ("state", "resource")

    def get_queryset(self) -> QuerySet[Recording]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Recording.objects.select_related("cluster").filter(
            cluster=get_object_or_404(Cluster, pk=self.kwargs["cluster"])
        )

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset)
        now = self.now()
        gaps = gaps_between([self.kwargs["cluster"]], now - GAPS_WITHIN, now)
        for row in rows or []:
            row.gaps = gaps.get((row.cluster_id, row.resource), [])
            row.is_quiet = is_quiet(row, now)
        return rows
