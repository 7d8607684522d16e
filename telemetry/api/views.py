"""`/api/v1/clusters` and `/api/v1/sources`; writing is for admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.resources import CreateMixin, DestroyMixin, ListMixin, ResourceViewSet, RetrieveMixin, UpdateMixin
from accounts.encryption import CredentialProblem
from accounts.problems import InvalidInput
from telemetry.actions.source import (
    check_source,
    connect_cluster,
    delete_cluster,
    delete_source,
    save_source,
)
from telemetry.api.serializers import ClusterSerializer, SourceSerializer
from telemetry.models import Cluster, Source


class ClusterViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    queryset = Cluster.objects.all()
    serializer_class = ClusterSerializer
    ordering = "id"
    admin_writes = True

    def perform_create(self, data: dict[str, Any]) -> Cluster:
        return connect_cluster(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: Cluster, data: dict[str, Any]) -> Cluster:
        data.setdefault("name", row.name)
        if "kubeconfig" not in data:
            try:
                data["kubeconfig"] = row.kubeconfig()
            except CredentialProblem as problem:
                raise InvalidInput("kubeconfig", f"{problem}; send it again") from None
        return connect_cluster(cluster=row, by=self.person(), now=self.now(), **data)

    def perform_destroy(self, row: Cluster) -> None:
        delete_cluster(cluster=row, by=self.person(), now=self.now(), via="api")


class SourceViewSet(ListMixin, RetrieveMixin, CreateMixin, UpdateMixin, DestroyMixin, ResourceViewSet):
    queryset = Source.objects.select_related("cluster")
    serializer_class = SourceSerializer
    ordering = "id"
    filterset_fields = ("kind", "enabled", "cluster__name")
    admin_writes = True

    def perform_create(self, data: dict[str, Any]) -> Source:
        return save_source(by=self.person(), now=self.now(), **data)

    def perform_update(self, row: Source, data: dict[str, Any]) -> Source:
        data.pop("kind", None)
        return save_source(source=row, by=self.person(), now=self.now(), **data)

    def perform_destroy(self, row: Source) -> None:
        delete_source(source=row, by=self.person(), now=self.now(), via="api")

    @extend_schema(summary="Test the connection", request=None, responses=SourceSerializer)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str | None = None) -> Response:
        row = self.get_object()
        check_source(source=row, now=self.now())
        return self.answer(row)
