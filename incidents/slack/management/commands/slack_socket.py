"""`manage.py slack_socket`: hear Slack over Socket Mode, for a Debrief that Slack cannot reach."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from incidents.slack.sockets import Listening


class Command(BaseCommand):
    help = "Hear Slack over Socket Mode: needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN."

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
            if not getattr(settings, name):
                raise CommandError(f"{name} is not set; Socket Mode needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN")
        listening = Listening()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: listening.stop())
        listening.run()
