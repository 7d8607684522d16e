"""`/api/v1/postmortems/{postmortem}/comments` and `…/publications`: what people say about a text, and what readers got."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.fields import PersonField
from accounts.api.permissions import AnswerPermission
from accounts.api.problems import problem
from accounts.api.resources import (
    CreateMixin,
    DestroyMixin,
    ListMixin,
    ResourceViewSet,
    RetrieveMixin,
    UpdateMixin,
)
from accounts.problems import InvalidInput
from incidents.actions import comment as actions
from incidents.actions.publication import NOTE_LIMIT, publish_postmortem
from incidents.models import Comment, Incident, PostMortem, Publication
from incidents.writing.documents import places

POSTMORTEM = OpenApiParameter("postmortem", int, OpenApiParameter.PATH, description="The id of the post-mortem.")


class PlaceSerializer(serializers.Serializer[Any]):
    start = serializers.IntegerField(help_text="Characters of the text as it stands.")
    end = serializers.IntegerField()


class CommentSerializer(serializers.ModelSerializer[Comment]):
    body = serializers.CharField(required=False, allow_blank=True, help_text="Markdown; @username calls somebody.")
    quote = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="The words that are meant, as they stand."
    )
    occurrence = serializers.IntegerField(
        write_only=True, required=False, min_value=1, max_value=actions.MOST, help_text="Which of several such quotes."
    )
    anchor = serializers.JSONField(required=False, allow_null=True, help_text="Relative positions; editors send them.")
    replacement = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, trim_whitespace=False, help_text="Suggests this instead."
    )
    parent: Any = serializers.PrimaryKeyRelatedField(queryset=Comment.objects.none(), required=False, allow_null=True)
    resolved = serializers.BooleanField(write_only=True, required=False, help_text="On PATCH: settle, or open again.")
    place = serializers.SerializerMethodField()
    author = PersonField(read_only=True)
    resolved_by = PersonField(read_only=True)
    resource_version = serializers.IntegerField(read_only=True)

    class Meta:
        model = Comment
        fields = (
            *("id", "parent", "quote", "occurrence", "anchor", "place", "body", "replacement", "author"),
            *("created_at", "edited_at", "resolved", "resolved_at", "resolved_by", "accepted"),
            *("resource_version", "updated_at"),
        )
        read_only_fields = ("created_at", "edited_at", "resolved_at", "accepted", "updated_at")

    def get_fields(self) -> Any:
        """Answers are to comments of the same post-mortem."""
        fields = super().get_fields()
        view = self.context.get("view")
        if view is not None and not getattr(view, "swagger_fake_view", False):
            parent: Any = fields["parent"]
            parent.queryset = Comment.objects.filter(postmortem=view.kwargs["postmortem"])
        return fields

    @extend_schema_field(PlaceSerializer(allow_null=True))
    def get_place(self, row: Comment) -> dict[str, int] | None:
        found = self.context.get("places", {}).get(row.pk)
        return {"start": found[0], "end": found[1]} if found else None


class PublicationSerializer(serializers.ModelSerializer[Publication]):
    note = serializers.CharField(required=False, allow_blank=True, max_length=NOTE_LIMIT, help_text="What is new.")
    published_by = PersonField(read_only=True)

    class Meta:
        model = Publication
        fields = ("number", "title", "body", "note", "published_at", "published_by")
        read_only_fields = ("number", "title", "body", "published_at")


class PartOfPostMortem(ResourceViewSet):
    """Rows below /postmortems/{id}/; its incident decides who sees them."""

    def get_postmortem(self) -> PostMortem:
        seen = Incident.objects.visible_to(self.request.user)
        rows = PostMortem.objects.filter(incident__in=seen).select_related("incident__severity")
        return get_object_or_404(rows, pk=self.kwargs["postmortem"])


@extend_schema_view(
    list=extend_schema(parameters=[POSTMORTEM]),
    retrieve=extend_schema(parameters=[POSTMORTEM]),
    create=extend_schema(
        parameters=[POSTMORTEM],
        description="On the n-th `quote` of the text, or on the whole; with `replacement` it suggests a change, with "
        "`parent` it answers. Whoever reads the post-mortem may comment.",
    ),
    partial_update=extend_schema(
        parameters=[POSTMORTEM],
        description="`body` of one's own comment; `resolved` settles a thread or opens it again.",
    ),
    destroy=extend_schema(parameters=[POSTMORTEM], description="One's own, as long as nobody answered it."),
)
class CommentViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, PartOfPostMortem):
    queryset = Comment.objects.none()
    serializer_class = CommentSerializer
    permission_classes = [AnswerPermission]
    lookup_value_converter = "int"
    ordering = "id"
    filterset_fields = {"parent": ["exact", "isnull"], "resolved_at": ["isnull"], "author__username": ["exact"]}

    def get_queryset(self) -> QuerySet[Comment]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        rows = Comment.objects.filter(postmortem=self.get_postmortem())
        return rows.select_related("author", "resolved_by", "parent__author", "postmortem__incident")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Where the words are now is looked up once for all rows of an answer."""
        serializer = super().get_serializer(*args, **kwargs)
        if args and "data" not in kwargs:
            rows = list(args[0]) if kwargs.get("many") else [args[0]]
            found = places(self.kwargs["postmortem"], [row.anchor for row in rows])
            context: Any = serializer.context
            context["places"] = dict(zip((row.pk for row in rows), found, strict=True))
        return serializer

    def perform_create(self, data: dict[str, Any]) -> Comment:
        by, now = self.person(), self.now()
        if "resolved" in data:
            raise InvalidInput("resolved", "is not for creating; change it afterwards")
        parent = data.pop("parent", None)
        if parent is not None:
            for name in ("quote", "anchor", "replacement", "occurrence"):
                if data.get(name):
                    raise InvalidInput(name, "is not for answers; they belong to the words of their thread")
            return actions.answer_comment(comment=parent, body=data.get("body", ""), by=by, now=now)
        postmortem, body = self.get_postmortem(), data.pop("body", "")
        return actions.add_comment(postmortem=postmortem, body=body, by=by, now=now, **data)

    def perform_update(self, row: Comment, data: dict[str, Any]) -> Comment:
        by, now = self.person(), self.now()
        for name in ("quote", "anchor", "replacement", "occurrence", "parent"):
            if name in data and data[name] != getattr(row, name, None):
                raise InvalidInput(name, "cannot be changed; write a new comment")
        if "body" in data:
            actions.change_comment(comment=row, body=data["body"], by=by, now=now)
        if "resolved" in data:
            settle = actions.resolve_comment if data["resolved"] else actions.reopen_comment
            settle(comment=row, by=by, now=now)
        return row

    def perform_destroy(self, row: Comment) -> None:
        actions.delete_comment(comment=row, by=self.person(), now=self.now())

    @extend_schema(
        summary="Take a suggestion over",
        parameters=[POSTMORTEM],
        request=None,
        responses={
            200: CommentSerializer,
            409: OpenApiResponse(description="Other words stand there now; `current` has them. Nothing was replaced."),
        },
    )
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, **kwargs: Any) -> Response:
        row = self.get_object()
        try:
            accepted = actions.accept_suggestion(comment=row, by=self.person(), now=self.now())
        except actions.AnchorLost as lost:
            current = {"quote": row.quote, "replacement": row.replacement, "stands": lost.now}
            return problem(409, str(lost), current=current)
        return self.answer(self.fresh(accepted))


@extend_schema_view(
    list=extend_schema(parameters=[POSTMORTEM]),
    retrieve=extend_schema(parameters=[POSTMORTEM]),
    create=extend_schema(
        parameters=[POSTMORTEM], description="Publishes the text as it stands; what is missing is named in `errors`."
    ),
)
class PublicationViewSet(ListMixin, RetrieveMixin, CreateMixin, PartOfPostMortem):
    queryset = Publication.objects.none()
    serializer_class = PublicationSerializer
    lookup_field = "number"
    lookup_value_converter = "int"
    ordering = "-number"

    def get_queryset(self) -> QuerySet[Publication]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Publication.objects.filter(postmortem=self.get_postmortem()).select_related("published_by")

    def perform_create(self, data: dict[str, Any]) -> Publication:
        row, by = self.get_postmortem(), self.person()
        published = publish_postmortem(postmortem=row, by=by, now=self.now(), note=data.get("note", ""), via="api")
        return published.publications.order_by("-number")[0]
