"""Socket Mode: Slack's requests over a connection that Debrief opens. What was not written down is not acknowledged."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.request import SocketModeRequest

from incidents.slack import names
from incidents.slack.app import app
from telemetry.models import Heartbeat

BEAT_SECONDS, PING_SECONDS, LONGEST_PAUSE = 30.0, 5.0, 60.0
log = logging.getLogger(__name__)


class Handler(SocketModeHandler):
    """Bolt's, in threads that give their database connections back."""

    def handle(self, client: Any, req: SocketModeRequest) -> None:
        close_old_connections()
        try:
            super().handle(client, req)
        finally:
            close_old_connections()


class Listening:
    """One connection to Slack, opened again whenever it is lost, until `stop`."""

    def __init__(self) -> None:
        self.handler = Handler(app(), settings.SLACK_APP_TOKEN, ping_interval=PING_SECONDS)
        self.stopping = threading.Event()

    def run(self) -> None:
        pause = 1.0
        while not self.stopping.is_set():
            try:
                self.handler.connect()
                break
            except (SlackApiError, SlackClientError, OSError) as problem:
                log.warning("Slack does not take the connection (%s); trying again in %.0f s", problem, pause)
                self.stopping.wait(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
        # From here on the client reconnects by itself.
        while not self.stopping.is_set():
            self._beat()
            self.stopping.wait(BEAT_SECONDS)
        self.handler.close()

    def stop(self) -> None:
        self.stopping.set()

    def _beat(self) -> None:
        if not self.handler.client.is_connected():
            return
        try:
            Heartbeat.objects.update_or_create(name=names.HEARTBEAT, defaults={"at": timezone.now()})
        except DatabaseError as problem:
            log.warning("no sign of life could be written (%s)", problem)
        close_old_connections()
