from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api.fields import PersonField
from incidents.models import Incident, PostMortem
from knowledge.models import (
    BrownBagItem,
    BrownBagSession,
    Lesson,
)


class VisiblePostMortemField(serializers.PrimaryKeyRelatedField[PostMortem]):
    def get_queryset(self) -> QuerySet[PostMortem]:
        return PostMortem.objects.filter(incident__in=Incident.objects.visible_to(self.context["request"].user))


class VisibleLessonField(serializers.SlugRelatedField):  # type: ignore[type-arg]
    def get_queryset(self) -> QuerySet[Lesson]:
        return Lesson.objects.visible_to(self.context["request"].user)


class LessonSerializer(serializers.ModelSerializer[Lesson]):
    key = serializers.CharField(read_only=True)
    statement = serializers.CharField()
    postmortems = VisiblePostMortemField(many=True, required=False, queryset=PostMortem.objects.all())
    created_by = PersonField(read_only=True)

    class Meta:
        model = Lesson
        fields = [
            *["number", "key", "statement", "context", "tags", "services", "postmortems", "created_by"],
            *["resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["number", "resource_version", "created_at"]


class BrownBagItemSerializer(serializers.ModelSerializer[BrownBagItem]):
    postmortem = VisiblePostMortemField(required=False, allow_null=True, queryset=PostMortem.objects.all())
    lesson = VisibleLessonField(slug_field="number", required=False, allow_null=True, queryset=Lesson.objects.all())

    class Meta:
        model = BrownBagItem
        fields = ["postmortem", "lesson", "minutes", "notes"]


class BrownBagSerializer(serializers.ModelSerializer[BrownBagSession]):
    items = BrownBagItemSerializer(many=True, required=False)
    host = PersonField(required=False, allow_null=True)
    created_by = PersonField(read_only=True)

    class Meta:
        model = BrownBagSession
        fields = [
            *["id", "title", "held_at", "host", "audience", "introduction", "items", "created_by"],
            *["resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["resource_version", "created_at"]
