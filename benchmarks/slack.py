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

from django.conf import settings
from django.utils import timezone

from accounts.models import Role, User
from benchmarks.measure import Figure, figure
from incidents.actions.incident import declare_incident
from incidents.models import Delivery, Severity, TimelineEntry
from incidents.models.delivery import UNFINISHED
from incidents.models.timeline import EntrySource
from incidents.slack.models import SlackChannel, SlackRequest
from tests import running
from tests.stand_ins.slack import SlackStandIn
from tests.stand_ins.slack.delivery import signature_of

REQUESTS, WARM, PROCESSES = 1_500, 100, 4
MESSAGES, CHANNELS = 500, 20


def figures() -> list[Figure]:
    User.objects.get_or_create(username="ada", defaults={"email": "ada@example.org", "role": Role.RESPONDER})
    with tempfile.TemporaryDirectory() as folder, SlackStandIn() as slack:
        environment = {**os.environ, **slack.settings(), "DATABASE_POOL": "8"}
        for name, value in slack.settings().items():
            setattr(settings, name, value)
        web_log, worker_log = Path(folder) / "web.log", Path(folder) / "worker.log"
        worker = [*running.worker_command(PROCESSES), "--include", "benchmarks.bare"]
        with (
            running.web(environment=environment, log=web_log, application="benchmarks.bare:application") as address,
            running.process(worker, environment=environment, log=worker_log),
        ):
            # First the busy minute: what holds the worker afterwards would be in its way.
            minute = _busy_minute(slack, address)
            return [minute, _acknowledged(slack, address)]


def _busy_minute(slack: SlackStandIn, address: str) -> Figure:
    """From the first message to the last line on a timeline and the last word in a channel, beside the minute itself."""
    ada = User.objects.get(username="ada")
    usual = Severity.objects.get(rank=3)
    rows = [declare_incident(title=f"Night {n}", severity=usual, by=ada, now=timezone.now()) for n in range(CHANNELS)]
    made = SlackChannel.objects.filter(incident__in=rows).exclude(headline_ts="")
    running.wait_for(lambda: made.count() == CHANNELS, "the channels", seconds=120)
    channels = list(made)
    slack.app = address
    slack.limit_every(40, retry_after=1)
    start = time.monotonic()
    for place in range(MESSAGES):
        time.sleep(max(0.0, start + place * 60 / MESSAGES - time.monotonic()))
        channel = channels[place % CHANNELS]
        message = slack.say("ada", channel.channel_id, f"message {place}")
        slack.react("ada", channel.channel_id, message, "pushpin")
    slack.wait_sent(60)
    running.wait_for(_all_done, "everything", seconds=300)
    taken = time.monotonic() - start
    for number, channel in enumerate(channels):
        lines = TimelineEntry.objects.filter(incident=channel.incident_id, source=EntrySource.CHAT).in_order()
        said = [entry.text for entry in lines]
        if said != [f"message {place}" for place in range(number, MESSAGES, CHANNELS)]:
            raise RuntimeError(f"#{channel.name}: {len(said)} lines, not all once and in order")
    slack.limit_every(0)
    return figure("Slack, 500 messages in 20 channels / the minute", value=taken, floor=60.0, unit="s", aim=1.2)


def _all_done() -> bool:
    waiting = SlackRequest.objects.filter(state__in=UNFINISHED).exists()
    return not waiting and not Delivery.objects.filter(state__in=UNFINISHED, attempts__gt=0).exists()


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
