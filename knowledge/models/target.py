from __future__ import annotations

from django.db import models

from telemetry.models import Cluster


class Targeted(models.Model):
    """What checks look at: a workload, a whole namespace, or what a service's name finds."""

    cluster = models.ForeignKey(Cluster, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    namespace = models.CharField(max_length=63, blank=True)
    workload_kind = models.CharField(max_length=40, blank=True)
    workload_name = models.CharField(max_length=253, blank=True)
    service = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True

    @property
    def names_place(self) -> bool:
        """A cluster alone is none: it would be every namespace in it."""
        return bool(self.namespace or self.workload_name or self.service)

    @property
    def place(self) -> str:
        """As people name it: `prod-eu / shop, deployment/checkout`."""
        where = " / ".join(part for part in (self.cluster.name if self.cluster else "", self.namespace) if part)
        what = f"{self.workload_kind.lower()}/{self.workload_name}" if self.workload_name else self.service
        return ", ".join(part for part in (where, what) if part)
