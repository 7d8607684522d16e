"""Reading a point in time page by page, with the newest id, and closing it whatever happened."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from telemetry.collectors.elastic.fields import CONTAINER, POD, TRACE, text_at, value_at
from telemetry.collectors.elastic.questions import Asking, counts_in
from telemetry.collectors.pulled import LEAD, Cleaner, Read, line_row
from telemetry.collectors.times import credible, parse_time
from telemetry.http import Http, Refusal, SourceError
from telemetry.observations import Budget, Status
from telemetry.rows import LogRow

PAGE = 1_000
KEEP_ALIVE = "1m"
ERRORS_SHARE = 0.6
CLOSING = Budget(deadline_seconds=2, requests=1, bytes=64 * 1024)
SHARD = "_shard_doc"
# Of milliseconds that would be the year 33658; of nanoseconds it is January 1970.
NANOSECONDS = 10**15


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the two part: how a point in time is opened and closed, and what orders lines of one moment.

    `tiebreaks` are tried in turn where the server knows none of that name.
    """

    open_path: str
    id_key: str
    close_path: str
    closed_as_list: bool
    tiebreaks: tuple[str, ...]

    def closing(self, pit: str) -> dict[str, Any]:
        return {self.id_key: [pit] if self.closed_as_list else pit}


ELASTICSEARCH = Dialect("/_pit", "id", "/_pit", False, (SHARD, ""))
# OpenSearch knows _shard_doc from 3.3 on; sorting by _id may be switched off.
OPENSEARCH = Dialect("/_search/point_in_time", "pit_id", "/_search/point_in_time", True, (SHARD, "_id", "_doc"))


class PointInTime:
    """An index as it was when it was opened."""

    def __init__(self, http: Http, dialect: Dialect, index: str) -> None:
        self.http, self.dialect = http, dialect
        path = f"/{quote(index, safe='*,-_.:+@')}{dialect.open_path}?keep_alive={KEEP_ALIVE}"
        self.id = str(http.post(path).json_object()[dialect.id_key])

    def search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a body; the id that it carries is the one to use from then on."""
        seconds = max(1, math.floor(self.http.seconds_left))
        asked = {**body, "pit": {"id": self.id, "keep_alive": KEEP_ALIVE}, "timeout": f"{seconds}s"}
        answer = self.http.post("/_search", body=asked).json_object()
        self.id = str(answer.get("pit_id") or self.id)
        return answer


@contextlib.contextmanager
def opened(http: Http, dialect: Dialect, index: str, another: Callable[[Budget], Http]) -> Iterator[PointInTime]:
    """A point in time that is closed in the end, with a client of its own: the other may have used up its budget."""
    pit = PointInTime(http, dialect, index)
    try:
        yield pit
    finally:
        # What cannot be closed closes itself after the minute of its keep_alive.
        with contextlib.suppress(SourceError), another(CLOSING) as closing:
            closing.delete(dialect.close_path, body=dialect.closing(pit.id))


class Documents:
    """The lines of one query, each once."""

    def __init__(self, pit: PointInTime, asking: Asking, budget: Budget, cleaner: Cleaner) -> None:
        self.pit, self.asking, self.cleaner = pit, asking, cleaner
        self.most = budget.items
        self.tiebreaks = list(pit.dialect.tiebreaks)
        self.found: dict[tuple[str, str], LogRow] = {}
        self.told = Read()
        self.partial: dict[str, None] = {}

    def read(self) -> Read:
        """Up to the budget's items; errors come first where there are more."""
        read = self.told
        first = self._search({"size": 0, "query": self.asking.matching(), "aggs": self.asking.counting()}, total=True)
        read.total = int(first["hits"]["total"]["value"])
        read.counts = counts_in(first.get("aggregations") or {})
        try:
            if read.total > self.most:
                self._pages(self.asking.matching(errors=True), int(self.most * ERRORS_SHARE))
                window = self.asking.window
                begun = min((row.at for row in self.found.values()), default=window.start)
                # What led to the first error tells more than what was said at the start of the window.
                self._pages(self.asking.matching(since=begun - LEAD), self.most)
                self._pages(self.asking.matching(), self.most)
                read.cut = "items"
            elif read.total:
                cut = self._pages(self.asking.matching(), self.most)
                read.cut = "" if len(self.found) == read.total else cut
        except SourceError as error:
            read.stopped = error
        read.rows = sorted(self.found.values(), key=lambda row: (row.at, row.digest))
        read.partial = list(self.partial)
        return read

    def oldest(self) -> datetime | None:
        """The time of the oldest line of all."""
        field = self.asking.fields.time
        answer = self._search({"size": 1, "sort": [self._order()], "_source": [field]})
        hits = (answer.get("hits") or {}).get("hits") or []
        return self._time(hits[0]) if hits else None

    def _pages(self, query: Mapping[str, Any], most: int) -> str:
        after: list[Any] | None = None
        while len(self.found) < most:
            body: dict[str, Any] = {"size": PAGE, "query": query, "_source": self.asking.fields.all()}
            if after is not None:
                body["search_after"] = after
            hits = (self._sorted(body).get("hits") or {}).get("hits") or []
            for hit in hits:
                if len(self.found) < most:
                    self._keep(hit)
            if len(hits) < PAGE:
                return ""
            after = hits[-1]["sort"]
        return "items"

    def _order(self) -> dict[str, Any]:
        """By time. Where some indices count nanoseconds, all are compared, and told, in milliseconds."""
        field = self.asking.fields.time
        same = {"numeric_type": "date"} if self.asking.mappings.counts_nanoseconds(field) else {}
        return {field: {"order": "asc", "unmapped_type": "date", **same}}

    def _sorted(self, body: Mapping[str, Any]) -> dict[str, Any]:
        time = self._order()
        while True:
            tiebreak = self.tiebreaks[0]
            try:
                return self._search({**body, "sort": [time, *([{tiebreak: "asc"}] if tiebreak else [])]})
            except Refusal as error:
                # Nothing was read by this order yet, or it would have been refused before.
                if error.code != 400 or len(self.tiebreaks) < 2 or "search_after" in body:
                    raise
                if tiebreak not in error.body.decode(errors="replace"):
                    raise
                self.tiebreaks.pop(0)

    def _search(self, body: Mapping[str, Any], *, total: bool = False) -> dict[str, Any]:
        answer = self.pit.search({**body, "track_total_hits": total})
        for reason in partial_reasons(answer):
            self.partial[self.cleaner.text(reason)[:300]] = None
        return answer

    def _keep(self, hit: Mapping[str, Any]) -> None:
        source, at = hit.get("_source"), self._time(hit)
        key = (str(hit.get("_index")), str(hit.get("_id")))
        if key in self.found or at is None or not self.asking.window.contains(at):
            return
        fields, mappings = self.asking.fields, self.asking.mappings
        services = self._preferred(mappings.first_exact(fields.services), fields.services)
        namespaces = self._preferred(mappings.first_exact(fields.namespaces), fields.namespaces)
        self.found[key] = line_row(
            at=at,
            body=text_at(source, fields.message),
            service=text_at(source, services) or "unknown_service",
            level=text_at(source, fields.level),
            trace_id=text_at(source, TRACE),
            place={
                "k8s.namespace.name": text_at(source, namespaces),
                "k8s.pod.name": text_at(source, POD),
                "k8s.container.name": text_at(source, CONTAINER),
            },
            cleaner=self.cleaner,
        )

    @staticmethod
    def _preferred(exact: tuple[str, str] | None, names: tuple[str, ...]) -> tuple[str, ...]:
        """The field that lines are counted by comes first, so that lines and counts have the same name."""
        return (exact[0], *names) if exact else names

    def _time(self, hit: Mapping[str, Any]) -> datetime | None:
        """From the document, as fine as it is written, or from the value that it was sorted by."""
        written = value_at(hit.get("_source"), self.asking.fields.time)
        sort = hit.get("sort") or [None]
        times = (parse_time(written), time_of_number(written), time_of_number(sort[0]))
        return next((at for at in map(credible, times) if at is not None), None)


def time_of_number(value: Any) -> datetime | None:
    """Milliseconds since the epoch, `1763706600123` or `"1763706600123.456789"`, down to microseconds; as large as
    nanoseconds would be, those. None for anything else."""
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,19}(\.\d{1,9})?", str(value)):
        return None
    number = Decimal(str(value))
    microseconds = int(number / 1_000 if number >= NANOSECONDS else number * 1_000)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def partial_reasons(answer: Mapping[str, Any]) -> list[str]:
    """Why an answer with status 200 may lack lines: it ran out of time, shards failed, clusters were left out."""
    reasons = []
    if answer.get("timed_out"):
        reasons.append("the search ran out of its time before all shards had answered")
    shards = answer.get("_shards") or {}
    if failed := shards.get("failed"):
        causes = [str((failure.get("reason") or {}).get("reason") or "") for failure in shards.get("failures") or []]
        told = "; ".join(dict.fromkeys(cause for cause in causes if cause))
        reasons.append(f"{failed} of {shards.get('total', '?')} shards failed" + (f": {told}" if told else ""))
    if skipped := (answer.get("_clusters") or {}).get("skipped"):
        reasons.append(f"{skipped} remote clusters were left out")
    return reasons


def absent(index: str) -> SourceError:
    return SourceError(
        Status.NOT_INSTALLED,
        f"no index that these credentials may read matches {index}",
        remedy="Correct this source's option index, or grant read on it.",
    )
