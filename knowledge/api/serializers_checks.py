from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.api.fields import PersonField
from incidents.api.serializers import VisibleIncidentField
from knowledge.api.serializers import VisibleLessonField
from knowledge.models import (
    Checklist,
    ChecklistItem,
    ChecklistRun,
    ChecklistTick,
    Drill,
    Lesson,
    RecoveryObjective,
)
from telemetry.models import Cluster

TARGET = ["cluster", "namespace", "workload_kind", "workload_name"]
VERDICT = ["verdict", "verdict_reason", "verdict_remedy", "facts", "checked_at"]


class ChecklistItemSerializer(serializers.ModelSerializer[ChecklistItem]):
    lesson = VisibleLessonField(slug_field="number", required=False, allow_null=True, queryset=Lesson.objects.all())
    params = serializers.DictField(required=False, help_text="The parameters of its check; missing ones by default.")

    class Meta:
        model = ChecklistItem
        fields = ["id", "position", "text", "why", "group", "check_name", "params", "lesson"]
        read_only_fields = ["position"]


class ChecklistSerializer(serializers.ModelSerializer[Checklist]):
    items = ChecklistItemSerializer(many=True)
    note = serializers.CharField(
        write_only=True, required=False, allow_blank=True, max_length=300, help_text="What changed, for its versions."
    )

    class Meta:
        model = Checklist
        fields = [
            *["id", "name", "kind", "description", "version", "items", "note"],
            *["resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["version", "resource_version", "created_at"]


class ChecklistTickSerializer(serializers.ModelSerializer[ChecklistTick]):
    by = PersonField(read_only=True)
    evidence: Any = serializers.SlugRelatedField(slug_field="number", read_only=True)
    excused_until = serializers.DateTimeField(source="exception.ends_at", read_only=True, allow_null=True, default=None)

    class Meta:
        model = ChecklistTick
        fields = [
            *[
                "id",
                "position",
                "text",
                "why",
                "group",
                "check_name",
                "params",
                "state",
                "note",
                "evidence",
                "by",
                "at",
            ],
            *[*VERDICT, "excused_until"],
        ]
        read_only_fields = ["position", "text", "why", "group", "check_name", "params", "at", *VERDICT]


class ChecklistRunSerializer(serializers.ModelSerializer[ChecklistRun]):
    checklist = serializers.PrimaryKeyRelatedField(queryset=Checklist.objects.all())
    incident = VisibleIncidentField(required=False, allow_null=True)
    service = serializers.CharField(required=False, allow_blank=True, max_length=200)
    cluster = serializers.PrimaryKeyRelatedField(queryset=Cluster.objects.all(), required=False, allow_null=True)
    started_by = PersonField(read_only=True)
    finished_by = PersonField(read_only=True)
    ticks = ChecklistTickSerializer(
        many=True, required=False, help_text="On PATCH: {id, state, note} of those that change."
    )
    finished = serializers.BooleanField(write_only=True, required=False, help_text="true signs the run off.")

    class Meta:
        model = ChecklistRun
        fields = [
            *["id", "checklist", "version", "incident", "service", *TARGET, "check_state", "checked_at"],
            *["started_by", "started_at", "finished_at", "finished_by", "ticks", "finished", "resource_version"],
        ]
        read_only_fields = ["version", "check_state", "checked_at", "started_at", "finished_at", "resource_version"]


class RecoveryObjectiveSerializer(serializers.ModelSerializer[RecoveryObjective]):
    cluster = serializers.PrimaryKeyRelatedField(queryset=Cluster.objects.all(), required=False, allow_null=True)
    agreed_by = PersonField(read_only=True)
    measured = serializers.SerializerMethodField(help_text="What incidents, backups and drills measured, newest first.")

    class Meta:
        model = RecoveryObjective
        fields = [
            *["id", "service", "namespace", "cluster", "rto_seconds", "rpo_seconds", "note", "measured"],
            *["agreed_at", "agreed_by", "resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["agreed_at", "resource_version", "created_at"]
        # The action says which place has one already, by the field that it names.
        validators: list[Any] = []

    def get_measured(self, row: RecoveryObjective) -> list[dict[str, Any]]:
        lines = self.context.get("measured", {}).get(row.pk, [])
        return [
            {
                "what": line.what,
                "origin": line.origin,
                "seconds": line.shown.seconds if line.shown else None,
                "at_most": bool(line.shown and line.shown.at_most),
                "result": line.result,
                "reason": line.why if line.result == "not measurable" else "",
                "count": len(line.known),
                "median_seconds": line.middle,
                "p90_seconds": line.p90,
            }
            for line in lines
        ]


class DrillSerializer(serializers.ModelSerializer[Drill]):
    checklist = serializers.PrimaryKeyRelatedField(queryset=Checklist.objects.all())
    objective = serializers.PrimaryKeyRelatedField(
        queryset=RecoveryObjective.objects.all(), required=False, allow_null=True
    )
    lead = PersonField(required=False, allow_null=True)
    created_by = PersonField(read_only=True)
    incident: Any = serializers.SlugRelatedField(slug_field="number", read_only=True)

    class Meta:
        model = Drill
        fields = [
            *["id", "title", "scenario", "checklist", "objective", "planned_at", "lead", "incident"],
            *["restored_to_at", "findings", "cancelled_at", "cancelled_why", "created_by"],
            *["resource_version", "created_at", "updated_at"],
        ]
        read_only_fields = ["cancelled_at", "cancelled_why", "resource_version", "created_at"]
