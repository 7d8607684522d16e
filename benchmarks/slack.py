"""Slack on a busy night: how soon a request is acknowledged while no worker is free, beside a view that does nothing,
and 500 messages a minute in 20 channels. A real web process, a real worker, PostgreSQL, the stand-in Slack.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from accounts.models import Role, User
from benchmarks.measure import Figure, figure
from tests import running
from tests.stand_ins.slack import SlackStandIn
from tests.stand_ins.slack.delivery import signature_of

REQUESTS, WARM, PROCESSES = 1_500, 100, 4


def figures() -> list[Figure]:
    User.objects.get_or_create(username="ada", defaults={"email": "ada@example.org", "role": Role.RESPONDER})
    with tempfile.TemporaryDirectory() as folder, SlackStandIn() as slack:
        environment = {**os.environ, **slack.settings(), "DATABASE_POOL": "8"}
        web_log, worker_log = Path(folder) / "web.log", Path(folder) / "worker.log"
        worker = [*running.worker_command(PROCESSES), "--include", "benchmarks.bare"]
        with (
            running.web(environment=environment, log=web_log, application="benchmarks.bare:application") as address,
            running.process(worker, environment=environment, log=worker_log),
        ):
            return [_acknowledged(slack, address)]


def _acknowledged(slack: SlackStandIn, address: str) -> Figure:
    """p99, with every process of the worker held and a queue behind them."""
    from benchmarks.bare import busy

    for queue in ("debrief", "chat"):
        for _ in range(PROCESSES * 20):
            busy.apply_async((2.0,), queue=queue)
    parts = urlsplit(address)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    channel = slack.workspace.find_channel("incidents").id
    ours, empty = [], []
    for place in range(REQUESTS + WARM):
        body = _event(channel, place)
        taken = _sent(line, "/slack/events", body, slack.workspace.signing_secret)
        nothing = _sent(line, "/hooks/empty", body, slack.workspace.signing_secret)
        if place >= WARM:
            ours.append(taken)
            empty.append(nothing)
    line.close()
    p99 = [statistics.quantiles(times, n=100)[98] * 1000 for times in (ours, empty)]
    print(f"slack, acknowledged: p50 {statistics.median(ours) * 1000:.2f} ms, slowest {max(ours) * 1000:.0f} ms")
    name = "Slack event acknowledged, p99, no worker free / empty view"
    return figure(name, value=p99[0], floor=p99[1], unit="ms", aim=3.0)


def _event(channel: str, place: int) -> bytes:
    event = {"type": "reaction_added", "user": "U1", "reaction": "eyes", "event_ts": f"{place}.1"}
    item = {"type": "message", "channel": channel, "ts": f"{place}.0"}
    whole: dict[str, Any] = {"type": "event_callback", "event_id": f"Ev{place}", "team_id": "T1", "api_app_id": "A1"}
    return json.dumps(whole | {"event": event | {"item": item}}).encode()


def _sent(line: http.client.HTTPConnection, path: str, body: bytes, secret: str) -> float:
    moment = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": signature_of(secret, moment, body),
    }
    start = time.perf_counter()
    line.request("POST", path, body, headers)
    answer = line.getresponse()
    answer.read()
    taken = time.perf_counter() - start
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return taken
