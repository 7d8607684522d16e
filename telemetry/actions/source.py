"""Clusters and sources: connected, tested, changed, removed; their credentials encrypted before they touch a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from accounts import audit
from accounts.encryption import CredentialProblem
from accounts.models import User
from accounts.permissions import require_administer
from accounts.problems import InvalidInput
from telemetry.collectors.kubernetes import InvalidKubeconfig, validate_kubeconfig
from telemetry.collectors.kubernetes.preflight import served_groups
from telemetry.http import SourceError, check_url
from telemetry.models import Cluster, Source
from telemetry.observations import Budget, Check
from telemetry.recorder.permissions import recorder_checks
from telemetry.redaction import InvalidPattern, Redactor
from telemetry.registry import COLLECTORS, collector_for

SOURCE_FIELDS = ("name", "url", "cluster", "verify_tls", "allow_private", "options", "budget", "enabled")
AUTH_KEYS = ("bearer", "username", "password", "api_key", "client_cert", "client_key")
BUDGET_MOST = {
    "deadline_seconds": 60,
    "requests": 1_000,
    "items": 50_000,
    "bytes": 256 * 2**20,
    "series": 200,
    "points": 11_000,
}

# What is kept of what was pushed to a source; see telemetry.ageing.
KEEP_MOST = {"keep_days": 3_650, "keep_rows": 10_000_000_000, "max_series": 10_000_000}


@transaction.atomic
def connect_cluster(
    *,
    name: str,
    kubeconfig: str | Mapping[str, Any],
    by: User,
    now: datetime,
    cluster: Cluster | None = None,
    allow_private: bool | None = None,
    recorded: bool | None = None,
) -> Cluster:
    """The cluster and its Kubernetes source; `allow_private` and `recorded` None leave these as they are. Raises InvalidInput naming the kubeconfig's offending field."""
    require_administer(by)
    try:
        cleaned = validate_kubeconfig(kubeconfig)
    except InvalidKubeconfig as problem:
        raise InvalidInput("kubeconfig", str(problem)) from None
    cluster = cluster or Cluster()
    cluster.name = " ".join(name.split())
    cluster.set_kubeconfig(cleaned)
    if recorded is not None:
        cluster.recorded = recorded
    cluster.full_clean()
    cluster.save()
    source, created = Source.objects.get_or_create(
        cluster=cluster, kind="kubernetes", defaults={"name": f"Kubernetes {cluster.name}"[:80]}
    )
    if allow_private is not None:
        source.allow_private = allow_private
        source.save()
    verb = "cluster.connected" if created else "cluster.changed"
    audit.record(at=now, actor=by, verb=verb, target=cluster.name)
    return cluster


@transaction.atomic
def set_recorded(*, cluster: Cluster, recorded: bool, by: User, now: datetime) -> Cluster:
    """Let the recorder watch the cluster, or not; what is archived stays until its retention ends."""
    require_administer(by)
    if cluster.recorded != recorded:
        cluster.recorded = recorded
        cluster.save()
        verb = "cluster.recording_on" if recorded else "cluster.recording_off"
        audit.record(at=now, actor=by, verb=verb, target=cluster.name)
    return cluster


@transaction.atomic
def save_source(
    *,
    by: User,
    now: datetime,
    source: Source | None = None,
    kind: str = "",
    auth: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    ca_pem: str | None = None,
    merge_auth: bool = False,
    **fields: Any,
) -> Source:
    """Create or change; secrets that are None stay as they are. `merge_auth`: keys that `auth` lacks stay too."""
    require_administer(by)
    if unknown := set(fields) - set(SOURCE_FIELDS):
        raise InvalidInput(sorted(unknown)[0], "cannot be changed here")
    created = source is None
    source = source or Source(kind=kind)
    if source.kind not in COLLECTORS:
        raise InvalidInput("kind", f"is {source.kind!r}; expected one of {', '.join(sorted(COLLECTORS))}")
    for name, value in fields.items():
        setattr(source, name, value)
    source.name = " ".join(source.name.split())
    _check(source)
    if auth is not None or headers is not None or ca_pem is not None or created:
        _keep_secrets(source, auth, headers, ca_pem, merge_auth=merge_auth)
    source.full_clean(exclude=["credentials"])
    source.save()
    audit.record(at=now, actor=by, verb="source.added" if created else "source.changed", target=source.name)
    return source


def add_found_sources(*, cluster: Cluster, by: User, now: datetime) -> list[Source]:
    """Sources for the tools that the cluster serves the API of; nothing where it does not answer."""
    require_administer(by)
    own = cluster.sources.get(kind="kubernetes")
    served = served_groups(own.connection())
    known = set(cluster.sources.values_list("kind", flat=True))
    found = [kind for kind, one in COLLECTORS.items() if one.facts.found_by in served and kind not in known]
    return [
        save_source(
            kind=kind,
            name=_free_name(f"{COLLECTORS[kind].label} {cluster.name}", kind),
            cluster=cluster,
            allow_private=own.allow_private,
            by=by,
            now=now,
        )
        for kind in found
    ]


def _free_name(name: str, kind: str) -> str:
    name = name[:80]
    return f"{name[:60]} ({kind})"[:80] if Source.objects.filter(name=name).exists() else name


@transaction.atomic
def ensure_pushed_source(*, kind: str, by: User, now: datetime) -> Source:
    """The source that a first push makes, so that people see on the page what arrives."""
    label = COLLECTORS[kind].label
    source, created = Source.objects.get_or_create(name=label, defaults={"kind": kind})
    if source.kind != kind:
        source, created = Source.objects.get_or_create(name=f"{label}, {kind}"[:80], defaults={"kind": kind})
    if created:
        audit.record(at=now, actor=by, verb="source.added", target=source.name, via="intake")
    return source


def _check_redaction(patterns: Any) -> None:
    if not isinstance(patterns, dict) or not all(isinstance(text, str) for text in patterns.values()):
        raise InvalidInput("options.redact", "expected an object of names with a regular expression each")
    try:
        Redactor(patterns)
    except InvalidPattern as problem:
        raise InvalidInput(f"options.redact.{problem.field}", f"expected {problem.expected}") from None


def _check_keeping(options: Mapping[str, Any]) -> None:
    for name, most in KEEP_MOST.items():
        value = options.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise InvalidInput(f"options.{name}", f"is {value!r}; expected a whole number from 1 to {most:,}")


def _check(source: Source) -> None:
    facts = COLLECTORS[source.kind].facts
    if facts.address and not source.url:
        raise InvalidInput("url", f"is empty; expected an address such as {facts.address}")
    if facts.of_cluster and source.cluster is None:
        raise InvalidInput("cluster", "is empty; expected the cluster whose kubeconfig is used")
    if source.url and not source.url.lower().startswith(("http://", "https://")):
        raise InvalidInput("url", "expected an address that begins with http:// or https://")
    if "@" in source.url.partition("://")[2].partition("/")[0]:
        raise InvalidInput("url", "carries a user or a password; expected those in their own fields")
    if source.url:
        try:
            check_url(source.url)
        except SourceError as problem:
            raise InvalidInput("url", problem.reason.removeprefix("url: ")) from None
    if not isinstance(source.options, dict):
        raise InvalidInput("options", "expected a JSON object")
    try:
        json.dumps(source.options, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput("options", "expected JSON without NaN or Infinity and without deep nesting") from None
    _check_redaction(source.options.get("redact", {}))
    _check_keeping(source.options)
    if not isinstance(source.budget, dict):
        raise InvalidInput("budget", "expected a JSON object")
    for name, value in source.budget.items():
        if name not in Budget.__dataclass_fields__:
            raise InvalidInput(
                f"budget.{name}", f"is unknown; expected one of {', '.join(Budget.__dataclass_fields__)}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= BUDGET_MOST[name]:
            raise InvalidInput(
                f"budget.{name}", f"is {value!r}; expected a number above 0 and up to {BUDGET_MOST[name]:,}"
            )
    _check_queries(source.options.get("queries"))


def _check_queries(queries: Any) -> None:
    if queries is None:
        return
    if not isinstance(queries, list) or len(queries) > 40:
        raise InvalidInput("options.queries", "expected a list of at most 40 queries")
    for place, query in enumerate(queries):
        if not isinstance(query, dict) or not all(
            isinstance(query.get(key), str) and query[key].strip() for key in ("name", "expr")
        ):
            raise InvalidInput(f"options.queries.{place}", "expected an object with name, title, expr and unit")


def _keep_secrets(
    source: Source,
    auth: Mapping[str, str] | None,
    headers: Mapping[str, str] | None,
    ca_pem: str | None,
    *,
    merge_auth: bool,
) -> None:
    try:
        stored = source.secrets()
    except CredentialProblem:
        stored = {"auth": {}, "headers": {}, "ca_pem": ""}
    if auth is not None and (unknown := set(auth) - set(AUTH_KEYS)):
        raise InvalidInput(f"auth.{sorted(unknown)[0]}", f"is unknown; expected one of {', '.join(AUTH_KEYS)}")
    given = {key: value for key, value in (auth or {}).items() if value}
    source.set_secrets(
        auth=given if auth is not None and not merge_auth else stored["auth"] | given,
        headers=dict(headers) if headers is not None else stored["headers"],
        ca_pem=ca_pem if ca_pem is not None else stored["ca_pem"],
    )


def check_source(*, source: Source, now: datetime) -> list[Check]:
    """Ask the backend who it is and what it lets us do; the answer is kept for the page."""
    try:
        collector = collector_for(source.kind)(source.connection())
        checks = collector.preflight()
        if source.kind == "kubernetes" and _is_recorded(source) and all(check.ok for check in checks[:3]):
            checks += recorder_checks(source.connection())
    except CredentialProblem as problem:
        checks = [Check(name="credentials", ok=False, detail=str(problem), remedy="Enter them again.")]
    except InvalidKubeconfig as problem:
        checks = [Check(name="kubeconfig", ok=False, detail=str(problem), remedy="Connect the cluster again.")]
    Source.objects.filter(pk=source.pk).update(preflight=[asdict(check) for check in checks], preflight_at=now)
    source.preflight, source.preflight_at = [asdict(check) for check in checks], now
    if source.cluster_id:
        known = {check.name: check.detail for check in checks if check.ok}
        facts = {
            field: known[name][: 40 if field == "version" else 64]
            for field, name in (("version", "version"), ("uid", "identity"))
            if known.get(name)
        }
        if facts and source.kind == "kubernetes":
            Cluster.objects.filter(pk=source.cluster_id).update(**facts)
    return checks


def _is_recorded(source: Source) -> bool:
    return source.cluster is not None and source.cluster.recorded


@transaction.atomic
def delete_source(*, source: Source, by: User, now: datetime, via: str = "page") -> None:
    """What it said stays as evidence. Raises InvalidInput where rules or queries name it."""
    require_administer(by)
    audit.record(at=now, actor=by, verb="source.deleted", target=source.name, via=via)
    try:
        source.delete()
    except ProtectedError as problem:
        named = ", ".join(sorted(str(one) for one in problem.protected_objects)[:5])
        raise InvalidInput("", f"It is named by {named}; change those first.") from None


@transaction.atomic
def delete_cluster(*, cluster: Cluster, by: User, now: datetime, via: str = "page") -> None:
    require_administer(by)
    audit.record(at=now, actor=by, verb="cluster.deleted", target=cluster.name, via=via)
    cluster.delete()
