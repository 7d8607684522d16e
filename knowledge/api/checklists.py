"""`/api/v1/checklists`, `checklist-runs`, `recovery-objectives`, `drills`."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.resources import (
    IDEMPOTENCY,
    CreateMixin,
    DestroyMixin,
    ListMixin,
    ResourceViewSet,
    RetrieveMixin,
    UpdateMixin,
)
from accounts.problems import InvalidInput
from incidents.models import Incident
from knowledge.actions.checklist import delete_checklist, save_checklist
from knowledge.actions.drill import begin_drill, save_drill
from knowledge.actions.objective import delete_objective, save_objective
from knowledge.actions.run import check_run, finish_run, start_run, tick
from knowledge.api import serializers_checks as serializers
from knowledge.models import Checklist, ChecklistItem, ChecklistRun, Drill, RecoveryObjective
from knowledge.recovery import beside


class ChecklistViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    queryset = Checklist.objects.none()
    serializer_class = serializers.ChecklistSerializer
    ordering = "id"
    filterset_fields = ("kind",)

    def get_queryset(self) -> QuerySet[Checklist]:
        items = ChecklistItem.objects.filter(removed_at=None).select_related("lesson")
        return Checklist.objects.prefetch_related(Prefetch("items", queryset=items))

    def perform_create(self, data: dict[str, Any]) -> Checklist:
        return save_checklist(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: Checklist, data: dict[str, Any]) -> Checklist:
        names = ("text", "why", "group", "check_name", "params", "lesson")
        kept = [{name: getattr(item, name) for name in names} for item in row.items.all()]
        whole = {"name": row.name, "kind": row.kind, "description": row.description, "items": kept} | data
        return save_checklist(checklist=row, by=self.person(), now=self.now(), **whole)

    def perform_destroy(self, row: Checklist) -> None:
        delete_checklist(checklist=row, by=self.person(), now=self.now(), via="api")


class ChecklistRunViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, ResourceViewSet):
    queryset = ChecklistRun.objects.none()
    serializer_class = serializers.ChecklistRunSerializer
    ordering = "-id"
    filterset_fields = ("checklist", "incident__number", "service", "namespace")

    def get_queryset(self) -> QuerySet[ChecklistRun]:
        seen = Incident.objects.visible_to(self.request.user)
        rows = ChecklistRun.objects.filter(Q(incident=None) | Q(incident__in=seen))
        rows = rows.select_related("checklist", "incident", "cluster", "started_by", "finished_by")
        return rows.prefetch_related("ticks__by", "ticks__evidence", "ticks__exception")

    def perform_create(self, data: dict[str, Any]) -> ChecklistRun:
        for name in ("ticks", "finished"):
            data.pop(name, None)
        return start_run(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: ChecklistRun, data: dict[str, Any]) -> ChecklistRun:
        by, now = self.person(), self.now()
        ticks = {item.pk: item for item in row.ticks.all()}
        raw = dict(self.request.data).get("ticks") or []
        for place, wanted in enumerate(raw if isinstance(raw, list) else [raw]):
            given = wanted.get("id") if isinstance(wanted, dict) else None
            item = ticks.get(given) if isinstance(given, int) and not isinstance(given, bool) else None
            if item is None:
                raise InvalidInput(f"ticks.{place}.id", "is not an item of this run")
            tick(tick=item, state=str(wanted.get("state", "")), note=str(wanted.get("note", "")), by=by, now=now)
        if data.get("finished"):
            finish_run(run=row, by=by, now=now)
        return row

    @extend_schema(summary="Run the checks again", request=None, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def check(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.once(request, lambda: self.answer(self.fresh(self._checked()), status=202))

    def _checked(self) -> ChecklistRun:
        return check_run(run=self.get_object(), by=self.person(), now=self.now())


class RecoveryObjectiveViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    queryset = RecoveryObjective.objects.none()
    serializer_class = serializers.RecoveryObjectiveSerializer
    ordering = "id"
    filterset_fields = ("service", "namespace", "cluster")

    def get_queryset(self) -> QuerySet[RecoveryObjective]:
        return RecoveryObjective.objects.select_related("cluster", "agreed_by")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """With what was measured, read once for all rows of an answer."""
        shown = args[0] if args and "data" not in kwargs else None
        rows = list(shown) if kwargs.get("many") and shown is not None else [shown] if shown is not None else []
        if rows:
            measured = {one.objective.pk: one.lines for one in beside(rows, self.person())}
            kwargs["context"] = {**self.get_serializer_context(), "measured": measured}
        return super().get_serializer(*args, **kwargs)

    def perform_create(self, data: dict[str, Any]) -> RecoveryObjective:
        return save_objective(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: RecoveryObjective, data: dict[str, Any]) -> RecoveryObjective:
        names = ("service", "namespace", "cluster", "rto_seconds", "rpo_seconds", "note")
        whole = {name: getattr(row, name) for name in names} | data
        return save_objective(objective=row, by=self.person(), now=self.now(), **whole)

    def perform_destroy(self, row: RecoveryObjective) -> None:
        delete_objective(objective=row, by=self.person(), now=self.now(), via="api")


class DrillViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, ResourceViewSet):
    queryset = Drill.objects.none()
    serializer_class = serializers.DrillSerializer
    ordering = "-id"
    filterset_fields = ("objective", "checklist")

    def get_queryset(self) -> QuerySet[Drill]:
        seen = Incident.objects.visible_to(self.request.user)
        rows = Drill.objects.filter(Q(incident=None) | Q(incident__in=seen))
        return rows.select_related("checklist", "objective", "lead", "incident", "created_by")

    def perform_create(self, data: dict[str, Any]) -> Drill:
        return save_drill(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: Drill, data: dict[str, Any]) -> Drill:
        return save_drill(drill=row, by=self.person(), now=self.now(), **data)

    @extend_schema(summary="Begin a drill", request=None, parameters=[IDEMPOTENCY])
    @action(detail=True, methods=["post"])
    def begin(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.once(request, lambda: self.answer(self.fresh(self._begun()), status=201))

    def _begun(self) -> Drill:
        return begin_drill(drill=self.get_object(), by=self.person(), now=self.now())
