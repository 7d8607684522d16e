from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.api.fields import PersonField
from incidents.api.serializers import VisibleIncidentField
from incidents.models import Incident, PostMortem
from knowledge.exports.subjects import may_read_notes
from knowledge.models import (
    Attendance,
    BrownBagItem,
    BrownBagSession,
    Feedback,
    Lesson,
)
from knowledge.models.lesson import SIGNAL_KINDS


class VisiblePostMortemField(serializers.PrimaryKeyRelatedField[PostMortem]):
    def get_queryset(self) -> QuerySet[PostMortem]:
        return PostMortem.objects.filter(incident__in=Incident.objects.visible_to(self.context["request"].user))


class VisibleLessonField(serializers.SlugRelatedField):  # type: ignore[type-arg]
    def get_queryset(self) -> QuerySet[Lesson]:
        return Lesson.objects.visible_to(self.context["request"].user)


class SignalSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=list(SIGNAL_KINDS.items()))
    value = serializers.CharField(max_length=253)


class LessonSerializer(serializers.ModelSerializer[Lesson]):
    key = serializers.CharField(read_only=True)
    statement = serializers.CharField()
    signals = SignalSerializer(many=True, required=False)
    quote = serializers.SerializerMethodField(help_text="The passage it was drawn from, for those who may read it.")
    reason = serializers.CharField(
        write_only=True, required=False, help_text="With state: why it is disputed or retired."
    )
    postmortems = VisiblePostMortemField(many=True, required=False, queryset=PostMortem.objects.all())
    created_by = PersonField(read_only=True)

    class Meta:
        model = Lesson
        fields = [
            *["number", "key", "statement", "context", "tags", "services", "signals", "state", "reason"],
            *["postmortems", "quote", "created_by", "resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["number", "resource_version", "created_at"]

    def get_quote(self, row: Lesson) -> str:
        """The view brings the post-mortems that the caller may see."""
        return row.quote if row.quoted_from_id in {one.pk for one in row.postmortems.all()} else ""


class BrownBagItemSerializer(serializers.ModelSerializer[BrownBagItem]):
    postmortem = VisiblePostMortemField(required=False, allow_null=True, queryset=PostMortem.objects.all())
    lesson = VisibleLessonField(slug_field="number", required=False, allow_null=True, queryset=Lesson.objects.all())

    class Meta:
        model = BrownBagItem
        fields = ["postmortem", "lesson", "title", "minutes", "notes", "questions"]
        extra_kwargs = {"title": {"required": False}}


class AttendanceSerializer(serializers.ModelSerializer[Attendance]):
    user = PersonField(read_only=True)

    class Meta:
        model = Attendance
        fields = ["user", "answer", "was_there"]
        read_only_fields = ["was_there"]


class FeedbackSerializer(serializers.ModelSerializer[Feedback]):
    user = PersonField(read_only=True)

    class Meta:
        model = Feedback
        fields = ["user", "useful", "text", "changed_at"]
        read_only_fields = ["changed_at"]


class PresentSerializer(serializers.Serializer[Any]):
    present = serializers.ListField(
        child=PersonField(), max_length=200, help_text="Usernames of who was there; everybody else was not."
    )


class RaisedFollowUpSerializer(serializers.Serializer[Any]):
    incident = VisibleIncidentField()
    title = serializers.CharField(max_length=200)
    owner = PersonField(required=False, allow_null=True)


class EndSerializer(serializers.Serializer[Any]):
    notes = serializers.CharField(required=False, allow_blank=True, max_length=20_000, default="")


class BrownBagSerializer(serializers.ModelSerializer[BrownBagSession]):
    items = BrownBagItemSerializer(many=True, required=False)
    attendances = AttendanceSerializer(many=True, read_only=True)
    feedback = FeedbackSerializer(many=True, read_only=True)
    followups: Any = serializers.SlugRelatedField(slug_field="number", many=True, read_only=True)
    host = PersonField(required=False, allow_null=True)
    created_by = PersonField(read_only=True)

    class Meta:
        model = BrownBagSession
        fields = [
            *["id", "title", "held_at", "minutes", "place", "host", "audience", "introduction", "items", "created_by"],
            *["notes", "ended_at", "attendances", "feedback", "followups", "calendar_uid", "calendar_sequence"],
            *["resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["ended_at", "calendar_uid", "calendar_sequence", "resource_version", "created_at"]

    def to_representation(self, instance: BrownBagSession) -> dict[str, Any]:
        """Notes of items are for speakers alone."""
        told = super().to_representation(instance)
        if not may_read_notes(instance, self.context["request"].user):
            told["items"] = [{**item, "notes": ""} for item in told["items"]]
        return told
