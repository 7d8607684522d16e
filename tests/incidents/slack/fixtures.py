"""A workspace whose people talk to Debrief in the test's own process; what Celery would do is done by `work`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from incidents.chat import lanes, registry
from incidents.models import Delivery
from incidents.models.delivery import UNFINISHED
from incidents.slack import handling
from incidents.slack.models import SlackChannel, SlackRequest
from incidents.slack.people import check_workspace
from tests import database, running
from tests.builders import make_person
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn, through_client

Work = Callable[[], None]


@pytest.fixture
def slack(committed: None, settings: Any) -> Iterator[SlackStandIn]:
    """Ada and Ben respond, Cy reads, Mallory has no account."""
    cache.clear()
    with SlackStandIn() as stand_in:
        for name, value in stand_in.settings().items():
            setattr(settings, name, value)
        stand_in.deliver_with(through_client(Client()))
        for name in ("ada", "ben", "cy"):
            make_person(name)
        check_workspace(timezone.now())
        yield stand_in


@pytest.fixture
def work() -> Work:
    """Everything that is due now, or within seconds, as workers would do it."""

    def worked() -> None:
        for _ in range(20):
            soon = timezone.now() + timedelta(seconds=lanes.NAP_SECONDS)
            asked = lanes.waiting_lanes(SlackRequest, soon)
            told = lanes.waiting_lanes(Delivery, soon)
            if not asked and not told:
                return
            for lane in asked:
                lanes.work(SlackRequest, lane, handling.handle)
            for lane in told:
                lanes.work(Delivery, lane, registry.deliver)

    return worked


def unfinished() -> list[str]:
    """What is still to be done, and why; for assertions that say something."""
    rows = [*SlackRequest.objects.filter(state__in=UNFINISHED), *Delivery.objects.filter(state__in=UNFINISHED)]
    return [f"{row}: {row.problem}" for row in rows]


def failed() -> list[str]:
    rows = [*SlackRequest.objects.filter(state="failed"), *Delivery.objects.filter(state="failed")]
    return [f"{row}: {row.problem}" for row in rows]


def open_form(slack: SlackStandIn, who: str, title: str = "") -> None:
    """`/incident new`, until the form is there."""
    assert slack.command(who, f"new {title}".strip()).ok
    wait_for(lambda: slack.modal(who), "the form")


def declare(slack: SlackStandIn, work: Work, who: str = "ada", **values: Any) -> SlackChannel:
    """Through the form; the channel that stands afterwards."""
    open_form(slack, who)
    assert slack.submit(who, {"title": "Checkout answers 503", **values}).ok
    work()
    return SlackChannel.objects.select_related("incident").latest("pk")


@pytest.fixture
def channel(slack: SlackStandIn, work: Work) -> str:
    """Of an incident that ada declared; everybody is in it."""
    found = declare(slack, work)
    for name in ("ben", "cy", "mallory"):
        slack.join(name, found.name)
    work()
    return found.name


def headline_of(slack: SlackStandIn, channel: SlackChannel) -> str:
    channel.refresh_from_db()
    return str(slack.workspace.find_channel(channel.channel_id).messages[channel.headline_ts])


@pytest.fixture
def running_slack(slack: SlackStandIn, tmp_path: Path) -> Iterator[SlackStandIn]:
    """The same with a real web process and a real worker. Its tests belong to the xdist group `worker`."""
    environment = {**database.environment(), **slack.settings()}
    with (
        running.web(environment=environment, log=tmp_path / "web.log") as address,
        running.process(running.worker_command(), environment=environment, log=tmp_path / "worker.log"),
    ):
        slack.app = address
        yield slack
