"""Log texts of the pods in the recorded outage of 2026-11-21, in the shape kubelets send them.

The recording holds no logs (its nodes were hollow), so these are written to fit its Events:
`checkout` cannot reach its database, fails its probes and is restarted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

Line = tuple[datetime, str]

DAY = datetime(2026, 11, 21, tzinfo=UTC)


def at(clock: str) -> datetime:
    """`06:37:26.112` on the day of the outage."""
    hours, minutes, seconds = clock.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def checkout_run(start: datetime, seconds: int, worker: int) -> Iterator[Line]:
    """One life of a checkout container: start, a healthy breath, then the database is gone."""
    yield start, "INFO  starting checkout 1.41.0"
    yield (
        start + timedelta(milliseconds=180),
        "INFO  config loaded LOG_LEVEL=info DB_PASSWORD=hunter2-not-for-storage",
    )
    yield (
        start + timedelta(milliseconds=240),
        "WARN  retry dsn=postgres://shop:hunter2-leak@orders-db:5432/orders?sslmode=disable",
    )
    for tick in range(1, seconds, 2):
        moment = start + timedelta(seconds=tick)
        if tick < seconds // 3:
            yield moment, f"INFO  GET /healthz 200 {2 + tick % 3}ms"
            yield (
                moment + timedelta(milliseconds=310),
                f"INFO  POST /checkout 200 {40 + tick}ms order={9000 + tick * worker}",
            )
            continue
        yield moment, "ERROR dial tcp orders-db-0:5432: i/o timeout"
        yield moment + timedelta(milliseconds=1), f"ERROR GET /healthz 503 500{tick % 10}ms"
        yield (
            moment + timedelta(milliseconds=620),
            f"ERROR POST /checkout 503 upstream=orders-db order={9000 + tick * worker}",
        )
    yield start + timedelta(seconds=seconds - 0.2), "WARN  SIGTERM received, draining 3 requests"


def quiet_database() -> Iterator[Line]:
    yield at("06:37:09.410"), "LOG:  database system is ready to accept connections"
    yield at("06:37:44.018"), "LOG:  could not send data to client: Connection reset by peer"
    yield at("06:38:44.902"), "WARNING:  replication terminated by primary server at orders-db-0"
    yield (
        at("06:39:44.131"),
        'FATAL:  could not connect to the primary server: connection to server at "orders-db-0" timed out',
    )


def web_requests() -> Iterator[Line]:
    for tick in range(0, 150, 6):
        moment = at("06:37:10") + timedelta(seconds=tick)
        failing = tick > 20
        status, level = (502, "error") if failing else (200, "info")
        yield moment, f'{{"level":"{level}","msg":"proxied /checkout","status":{status},"ms":{35 + tick}}}'


LOGS: dict[tuple[str, str, bool], list[Line]] = {
    ("checkout-5bbc75684d-flwhw", "checkout", True): list(checkout_run(at("06:38:30.100"), 30, 3)),
    ("checkout-5bbc75684d-flwhw", "checkout", False): list(checkout_run(at("06:39:00.100"), 30, 5)),
    ("checkout-5bbc75684d-krlcc", "checkout", True): list(checkout_run(at("06:38:37.400"), 30, 7)),
    ("checkout-5bbc75684d-krlcc", "checkout", False): list(checkout_run(at("06:39:07.400"), 30, 9)),
    ("orders-db-1", "postgres", False): list(quiet_database()),
    ("web-56775b6cdd-w6p7j", "web", False): list(web_requests()),
}

# The kubelet of node-1 is gone: the API server's own words when it cannot reach one.
LOST_NODE = (
    'Get "https://192.0.2.2:10250/containerLogs/{namespace}/{pod}/{container}": dial tcp 192.0.2.2:10250: i/o timeout'
)


def render(lines: list[Line], *, since: datetime | None, tail: int | None, limit: int | None) -> bytes:
    """The text as a kubelet cuts it: tail first, then `since`, then the byte limit."""
    if tail is not None:
        lines = lines[-tail:] if tail else []
    kept = [line for line in lines if since is None or line[0] >= since]
    text = "".join(f"{moment.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z {words}\n" for moment, words in kept)
    return text.encode()[:limit]
