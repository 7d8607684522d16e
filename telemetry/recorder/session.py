"""One cluster under our lead: a thread for each resource, one connection that everything is written by."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from telemetry.collectors.kubernetes.api import KubernetesApi
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.collectors.kubernetes.preflight import IDENTITY
from telemetry.http import SourceError
from telemetry.observations import Budget
from telemetry.observations import Connection as SourceConnection
from telemetry.recorder.batches import Batch
from telemetry.recorder.endingstore import EndingStore
from telemetry.recorder.lastlines import LastLines, Wanted, read_last_lines
from telemetry.recorder.leadership import connect, take_lead
from telemetry.recorder.reflector import Checkpoint, Ended, Pace, Reflector
from telemetry.recorder.resources import PODS, RECORDED, Recorded
from telemetry.recorder.store import Store
from telemetry.redaction import Redactor

log = logging.getLogger(__name__)
ROWS_AT_ONCE = 2_000
LINGER_SECONDS = 0.1
BATCHES_WAITING = 16
TICK_SECONDS = 10.0
ENDINGS_SECONDS = 5.0
STOP_SECONDS = 8.0
LOG_READERS = 2
LOGS_AT_ONCE = 10
SWITCH_SECONDS = 0.0002
IDENTITY_BUDGET = Budget(deadline_seconds=10, requests=2)
KEEP_UID = "UPDATE telemetry_cluster SET uid = %s WHERE id = %s AND uid <> %s"


@dataclass(frozen=True, slots=True)
class WatchedCluster:
    """What a session needs to know. `fingerprint` changes when somebody edits the cluster or its source."""

    id: int
    name: str
    connection: SourceConnection = field(repr=False)
    fingerprint: str = ""


class Session:
    """`run` waits for the lead, records until `stopping` is set, and returns.

    Raises psycopg.Error when the database fails: then nothing that was not committed counts, and the next session
    goes on from the checkpoints. Raises InvalidPattern for a redaction pattern of the source that cannot be used.
    """

    def __init__(
        self,
        *,
        cluster: WatchedCluster,
        conninfo: str,
        leader: str,
        stopping: threading.Event,
        pace: Pace | None = None,
        recorded: Sequence[Recorded] = RECORDED,
    ) -> None:
        self._cluster, self._conninfo, self._leader = cluster, conninfo, leader
        self._stopping, self._pace, self._recorded = stopping, pace or Pace(), recorded
        self._redactor = Redactor(cluster.connection.options.get("redact"), cluster.connection.digest_key)
        self._items: queue.Queue[Batch | LastLines] = queue.Queue(BATCHES_WAITING)
        self._wanted: queue.Queue[Wanted | None] = queue.Queue()
        self._ended = threading.Event()
        self._reflectors: list[Reflector] = []
        self._threads: list[threading.Thread] = []
        self._under_way: set[int] = set()
        self._received: dict[str, int] = {}
        self._rates: dict[str, float] = {}
        self.leads = False

    @staticmethod
    def check(connection: SourceConnection) -> None:
        """Raises InvalidPattern as the constructor would."""
        Redactor(connection.options.get("redact"))

    def run(self) -> None:
        # Each answer of the database would otherwise wait 5 ms for a thread that decodes to let go.
        sys.setswitchinterval(SWITCH_SECONDS)
        with connect(self._conninfo, name=f"debrief recorder {self._cluster.name}") as connection:
            if not take_lead(connection, self._cluster.id, self._stopping, every=self._pace.lead_every):
                return
            self.leads = True
            try:
                self._record(connection)
            finally:
                self._end()

    def _record(self, connection: Connection[Any]) -> None:
        store = Store(connection, cluster_id=self._cluster.id, leader=self._leader)
        endings = EndingStore(connection, self._cluster.id)
        self._start(self._checkpoints(connection, store))
        ticked = asked = time.monotonic()
        while not self._stopping.is_set():
            has_pods = self._write(self._gather(), store, endings)
            now = time.monotonic()
            if has_pods or now - asked >= ENDINGS_SECONDS:
                asked = now
                self._ask_for_logs(endings)
            if now - ticked >= TICK_SECONDS:
                self._keep_rates(store, now - ticked)
                ticked = now
        self._finish(store, endings)

    def _checkpoints(self, connection: Connection[Any], store: Store) -> dict[str, Checkpoint]:
        found = store.checkpoints([recorded.name for recorded in self._recorded])
        uid = self._identity()
        if not uid:
            return found
        connection.execute(KEEP_UID, [uid, self._cluster.id, uid])
        forgotten = store.adopt(uid)
        return {
            name: replace(one, resource_version="", gap="replaced") if name in forgotten else one
            for name, one in found.items()
        }

    def _identity(self) -> str:
        """The uid of kube-system, or "" where we may not see it."""
        try:
            with open_http(self._cluster.connection, IDENTITY_BUDGET) as http:
                metadata = KubernetesApi(http).get(IDENTITY).get("metadata")
        except SourceError:
            return ""
        return str(metadata.get("uid") or "")[:64] if isinstance(metadata, dict) else ""

    def _start(self, checkpoints: dict[str, Checkpoint]) -> None:
        for recorded in self._recorded:
            reflector = Reflector(
                recorded=recorded,
                connection=self._cluster.connection,
                redactor=self._redactor,
                checkpoint=checkpoints.get(recorded.name, Checkpoint()),
                sink=self._sink,
                pace=self._pace,
            )
            self._reflectors.append(reflector)
            self._run_thread(lambda run=reflector.run: self._guarded(run), recorded.name)
        for place in range(LOG_READERS):
            self._run_thread(lambda: self._guarded(self._read_logs), f"logs {place}")

    def _run_thread(self, target: Any, name: str) -> None:
        thread = threading.Thread(target=target, name=f"{self._cluster.name}: {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, run: Any) -> None:
        """A fault of ours ends the session, which the process logs and starts anew; it never ends one thread alone."""
        try:
            run()
        except Ended:
            return
        except Exception:
            log.exception("recording of %s failed", self._cluster.name)
            self._ended.set()

    def _sink(self, item: Batch | LastLines) -> None:
        while not self._ended.is_set():
            try:
                self._items.put(item, timeout=0.2)
                return
            except queue.Full:
                continue
        raise Ended

    def _gather(self) -> list[Batch | LastLines]:
        """What has arrived: up to ROWS_AT_ONCE rows, or all that comes within LINGER_SECONDS of the first."""
        if self._ended.is_set():
            raise RuntimeError("a thread of this session failed; its log says how")
        try:
            found = [self._items.get(timeout=0.2)]
        except queue.Empty:
            return []
        until = time.monotonic() + LINGER_SECONDS
        while sum(len(one.rows) for one in found if isinstance(one, Batch)) < ROWS_AT_ONCE:
            try:
                found.append(self._items.get(timeout=max(0.0, until - time.monotonic())))
            except queue.Empty:
                break
        return found

    def _write(self, items: list[Batch | LastLines], store: Store, endings: EndingStore) -> bool:
        """True when pods were among it: containers may have ended."""
        now = datetime.now(UTC)
        batches = [one for one in items if isinstance(one, Batch)]
        if batches:
            store.write(batches, now)
        for found in items:
            if isinstance(found, LastLines):
                endings.keep(found, now)
                self._under_way.discard(found.id)
        for batch in batches:
            self._received[batch.resource] = self._received.get(batch.resource, 0) + batch.received
        return any(batch.resource == PODS and batch.rows for batch in batches)

    def _ask_for_logs(self, endings: EndingStore) -> None:
        if len(self._under_way) > LOGS_AT_ONCE:
            # Asked for later, the newest come first again: theirs are the logs that are still there.
            return
        for wanted in endings.wanted(self._under_way):
            self._under_way.add(wanted.id)
            self._wanted.put(wanted)

    def _read_logs(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            self._sink(read_last_lines(self._cluster.connection, wanted, self._redactor))

    def _keep_rates(self, store: Store, seconds: float) -> None:
        """Half of what was before, half of what came since: a rate that neither jumps nor lags long."""
        rates = {}
        for name in {*self._received, *self._rates}:
            rate = round((self._rates.get(name, 0.0) + self._received.get(name, 0) * 60 / seconds) / 2, 2)
            rates[name] = rate if rate >= 0.05 else 0.0
        store.keep_rates({name: rate for name, rate in rates.items() if rate != self._rates.get(name)})
        self._rates, self._received = rates, {}

    def _finish(self, store: Store, endings: EndingStore) -> None:
        """Commit what was read so far; what the streams would bring next is still there for the next leader."""
        for reflector in self._reflectors:
            reflector.close()
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until and any(one.is_alive() for one in self._threads[: len(self._reflectors)]):
            self._write(self._gather_now(), store, endings)
            time.sleep(0.02)
        self._write(self._gather_now(), store, endings)
        store.stop(datetime.now(UTC))

    def _gather_now(self) -> list[Batch | LastLines]:
        found = []
        while not self._items.empty():
            found.append(self._items.get_nowait())
        return found

    def _end(self) -> None:
        self._ended.set()
        self.leads = False
        for reflector in self._reflectors:
            reflector.close()
        for _ in range(LOG_READERS):
            self._wanted.put(None)
        for thread in self._threads:
            thread.join(timeout=2)
