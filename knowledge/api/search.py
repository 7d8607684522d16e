"""`/api/v1/search`: one question over everything that the caller may see."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.problems import InvalidInput
from knowledge.search.events import NO_EVENTS, concerns_events, search_events
from knowledge.search.parsing import Asked, parse, written
from knowledge.search.querying import DEEPEST, Found, Hit, search


class HitSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField()
    key = serializers.CharField(source="row.key", allow_blank=True, help_text="INC-42, L-5, empty where it has none.")
    title = serializers.CharField()
    url = serializers.CharField()
    snippet = serializers.CharField(allow_blank=True)
    severity = serializers.CharField(source="row.severity", allow_blank=True)
    services = serializers.ListField(source="row.services", child=serializers.CharField())
    at = serializers.DateTimeField(source="row.at")


class EventHitSerializer(serializers.Serializer[Any]):
    cluster = serializers.CharField()
    reason = serializers.CharField()
    kind = serializers.CharField()
    namespace = serializers.CharField()
    name = serializers.CharField()
    count = serializers.IntegerField()
    last_at = serializers.DateTimeField()
    message = serializers.SerializerMethodField()

    def get_message(self, row: Any) -> str:
        return "".join(text for text, _ in row.parts)


class FacetSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    count = serializers.IntegerField()


class SearchSerializer(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    total = serializers.IntegerField()
    suggestion = serializers.CharField(allow_blank=True, help_text="The words as they may have been meant.")
    facets = serializers.DictField(child=FacetSerializer(many=True))
    events = EventHitSerializer(many=True)
    events_total = serializers.IntegerField(help_text="Archived Events, counted up to 5,000.")
    results = HitSerializer(many=True)


class SearchView(APIView):
    @extend_schema(
        summary="Search",
        parameters=[
            OpenApiParameter("q", str, required=True, description='Words, "phrases", -without, service:checkout'),
            OpenApiParameter("kind", str),
            OpenApiParameter("sort", str, enum=["best", "newest"]),
            OpenApiParameter("from", int),
        ],
        responses=SearchSerializer,
    )
    def get(self, request: Request) -> Response:
        given = request.query_params
        asked = _asked(given.get("q", ""), given.get("kind", ""))
        start = given.get("from", "0")
        if not (start.isascii() and start.isdigit() and len(start) < 6 and int(start) <= DEEPEST):
            raise InvalidInput("from", f"is {start[:20]!r}; expected a number from 0 to {DEEPEST}")
        found = search(asked, request.user, start=int(start), newest=given.get("sort") == "newest")  # type: ignore[arg-type]
        events = search_events(asked) if concerns_events(asked) else NO_EVENTS
        following = None
        if found.next:
            query = given.copy()
            query["from"] = str(found.next)
            following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        return Response(
            {
                "next": following,
                "total": found.total,
                "suggestion": found.suggestion,
                "facets": _facets(found),
                "events": EventHitSerializer(events.hits, many=True).data,
                "events_total": events.total,
                "results": [_plain(hit) for hit in found.hits],
            }
        )


def _asked(text: str, kind: str) -> Asked:
    if not text.strip():
        raise InvalidInput("q", "is empty; expected words to look for")
    asked = parse(text)
    if asked.problems:
        raise InvalidInput(errors={f"q.{name}": said for name, said in asked.problems.items()})
    return parse(written(asked, plus=("kind", kind))) if kind.isalpha() else asked


def _facets(found: Found) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{"value": value, "count": count} for value, _, count, _ in values]
        for name, values in found.facets.items()
    }


def _plain(hit: Hit) -> Any:
    return HitSerializer(hit).data
