"""`manage.py recorder`: a session for each cluster that is to be recorded, started, watched and renewed."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from accounts.encryption import CredentialProblem
from telemetry.collectors.kubernetes import InvalidKubeconfig
from telemetry.models import Cluster, Heartbeat, Recording, Source
from telemetry.recorder.reflector import Pace
from telemetry.recorder.resources import HEARTBEAT
from telemetry.recorder.session import Session, WatchedCluster
from telemetry.redaction import InvalidPattern

log = logging.getLogger(__name__)
LOOK_EVERY = 2.0
BEAT_EVERY = 5.0
FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0


@dataclass(slots=True)
class _Running:
    cluster: WatchedCluster
    stopping: threading.Event
    thread: threading.Thread
    session: Session | None = None


class Recorder:
    """The process. `run` returns after `stop` was called, from a signal's handler or another thread."""

    def __init__(self, *, conninfo: str, pace: Pace | None = None) -> None:
        self._conninfo, self._pace = conninfo, pace
        self._leader = f"{socket.gethostname()}:{os.getpid()}"
        self._running: dict[int, _Running] = {}
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        beaten = 0.0
        while not self._stopping.is_set():
            try:
                self._look()
                if time.monotonic() - beaten >= BEAT_EVERY:
                    self._beat()
                    beaten = time.monotonic()
            except DatabaseError as problem:
                log.warning("the database does not answer (%s); recording goes on when it does", type(problem).__name__)
                close_old_connections()
            self._stopping.wait(LOOK_EVERY)
        for running in self._running.values():
            running.stopping.set()
        for running in self._running.values():
            running.thread.join(timeout=15)

    def _look(self) -> None:
        """Sessions as the clusters are now: new ones begin, edited ones begin anew, removed ones end."""
        close_old_connections()
        wanted = {cluster.id: cluster for cluster in watched_clusters()}
        for cluster_id, running in list(self._running.items()):
            now = wanted.get(cluster_id)
            if now is None or now.fingerprint != running.cluster.fingerprint:
                running.stopping.set()
                if not running.thread.is_alive():
                    del self._running[cluster_id]
        for cluster_id, cluster in wanted.items():
            if cluster_id not in self._running:
                self._begin(cluster)

    def _begin(self, cluster: WatchedCluster) -> None:
        running = _Running(cluster, threading.Event(), threading.Thread())
        running.thread = threading.Thread(target=self._keep_going, args=[running], name=cluster.name, daemon=True)
        self._running[cluster.id] = running
        running.thread.start()

    def _keep_going(self, running: _Running) -> None:
        delay = FIRST_DELAY
        while not running.stopping.is_set():
            began = time.monotonic()
            try:
                running.session = Session(
                    cluster=running.cluster,
                    conninfo=self._conninfo,
                    leader=self._leader,
                    stopping=running.stopping,
                    pace=self._pace,
                )
                running.session.run()
            except psycopg.Error as problem:
                log.warning("%s: the database failed (%s)", running.cluster.name, type(problem).__name__)
            except Exception:
                # Whatever it is, the other clusters go on, and this one is tried again.
                log.exception("%s: recording failed and begins anew", running.cluster.name)
            delay = FIRST_DELAY if time.monotonic() - began > 60 else min(LONGEST_DELAY, delay * 2)
            running.stopping.wait(delay)

    def _beat(self) -> None:
        leads = sorted(one.cluster.name for one in self._running.values() if one.session and one.session.leads)
        detail = {"process": self._leader, "leads": leads}
        Heartbeat.objects.update_or_create(name=HEARTBEAT, defaults={"at": timezone.now(), "detail": detail})


def watched_clusters() -> list[WatchedCluster]:
    """Clusters with an enabled Kubernetes source, unless recording is switched off for them."""
    sources = Source.objects.filter(kind="kubernetes", enabled=True, cluster__in=Cluster.objects.to_record())
    first: dict[int, Source] = {}
    for source in sources.select_related("cluster").order_by("pk"):
        if source.cluster is not None:
            first.setdefault(source.cluster.pk, source)
    return [found for source in first.values() if (found := _watched(source)) is not None]


def _watched(source: Source) -> WatchedCluster | None:
    cluster = source.cluster
    if cluster is None:
        return None
    try:
        connection = source.connection()
        Session.check(connection)
    except (CredentialProblem, InvalidKubeconfig, InvalidPattern) as problem:
        _tell(cluster, str(problem))
        return None
    except Exception as problem:
        # One source that is wrong in a way nobody thought of must not stop the others.
        log.exception("%s cannot be recorded", cluster.name)
        _tell(cluster, f"The source's settings cannot be used ({type(problem).__name__}).")
        return None
    fingerprint = f"{cluster.resource_version} {source.pk} {source.resource_version} {hash(source.credentials)}"
    fingerprint += f" {hash(cluster.credentials)} {source.updated_at}"
    return WatchedCluster(cluster.pk, cluster.name, connection, fingerprint)


def _tell(cluster: Cluster, words: str) -> None:
    """Where people look: the cluster's recordings."""
    Recording.objects.filter(cluster=cluster).update(state="waiting", reason=words, updated_at=timezone.now())
