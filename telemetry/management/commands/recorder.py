"""`manage.py recorder`: watch every connected cluster and keep what it forgets."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from accounts.database import conninfo
from telemetry.recorder.process import Recorder


class Command(BaseCommand):
    help = (
        "Watch every connected cluster: keep its Events, the states of its objects, and the last lines of containers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        recorder = Recorder(conninfo=conninfo())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: recorder.stop())
        recorder.run()
