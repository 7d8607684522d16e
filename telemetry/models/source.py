"""Clusters, sources, and the signs of life of our own processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models

from accounts.encryption import decrypt, digest_key, encrypt
from accounts.models import Versioned
from telemetry.observations import Budget, Connection


class ClusterQuerySet(models.QuerySet["Cluster"]):
    def to_record(self) -> ClusterQuerySet:
        """With an enabled Kubernetes source, unless recording is switched off."""
        return self.filter(recorded=True, sources__kind="kubernetes", sources__enabled=True).distinct()


class Cluster(Versioned):
    """A Kubernetes cluster. `uid` is the uid of its namespace kube-system, learned by the preflight."""

    name = models.CharField(max_length=80, unique=True)
    uid = models.CharField(max_length=64, blank=True, editable=False)
    version = models.CharField(max_length=40, blank=True, editable=False)
    credentials = models.TextField(blank=True, editable=False)
    recorded = models.BooleanField(default=True, help_text="Let the recorder watch this cluster.")

    objects = ClusterQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def kubeconfig(self) -> dict[str, Any]:
        return decrypt(self.credentials)

    def set_kubeconfig(self, kubeconfig: dict[str, Any]) -> None:
        self.credentials = encrypt(kubeconfig)


class SourceQuerySet(models.QuerySet["Source"]):
    def asked_for(self, cluster_ids: list[int]) -> SourceQuerySet:
        """Enabled sources of these clusters and those of no cluster; no clusters means all."""
        enabled = self.filter(enabled=True).select_related("cluster")
        if not cluster_ids:
            return enabled
        return enabled.filter(models.Q(cluster__in=cluster_ids) | models.Q(cluster=None))


class Source(Versioned):
    """One backend that answers when an incident asks. Kinds are the keys of telemetry.registry."""

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=30)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, null=True, blank=True, related_name="sources")
    url = models.CharField(max_length=500, blank=True)
    credentials = models.TextField(blank=True, editable=False)
    verify_tls = models.BooleanField(default=True)
    allow_private = models.BooleanField(
        default=False, help_text="Let this source be on a loopback or link-local address."
    )
    options = models.JSONField(default=dict, blank=True)
    budget = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    preflight = models.JSONField(default=list, blank=True, editable=False)
    heard_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When something was last pushed to it, to the minute."
    )
    preflight_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_healthy(self) -> bool | None:
        """None before the first preflight."""
        if self.preflight_at is None:
            return None
        return all(check["ok"] for check in self.preflight)

    def set_secrets(self, *, auth: dict[str, str], headers: dict[str, str], ca_pem: str) -> None:
        self.credentials = encrypt({"auth": auth, "headers": headers, "ca_pem": ca_pem})

    def secrets(self) -> dict[str, Any]:
        return {"auth": {}, "headers": {}, "ca_pem": "", **decrypt(self.credentials)}

    def connection(self, queries: Sequence[Mapping[str, Any]] = ()) -> Connection:
        """`queries` are entries beside the source's own, as templates make them.

        Without an address of its own a source is reached through its cluster.
        """
        secrets = self.secrets()
        return Connection(
            name=self.name,
            url=self.url,
            auth=secrets["auth"],
            headers=secrets["headers"],
            ca_pem=secrets["ca_pem"],
            verify=self.verify_tls,
            allow_private=self.allow_private,
            kubeconfig=self.cluster.kubeconfig() if self.cluster and not self.url else {},
            options=self._options(queries),
            source_id=self.pk,
            cluster_id=self.cluster_id,
            digest_key=digest_key(f"cluster {self.cluster_id}") if self.cluster_id else b"",
        )

    def _options(self, queries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        own = self.options.get("queries")
        more = {"queries": [*(own if isinstance(own, list) else []), *queries]} if queries else {}
        return {**self.options, **more}

    def budget_of(self, defaults: Budget) -> Budget:
        known = {key: value for key, value in self.budget.items() if key in Budget.__dataclass_fields__}
        return Budget(**{**{key: getattr(defaults, key) for key in Budget.__dataclass_fields__}, **known})


class Heartbeat(models.Model):
    """The last sign of life of a process kind; pages warn when it is old."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
