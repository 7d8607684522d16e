"""`manage.py recorder`: watch every connected cluster and keep what it forgets."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from psycopg.conninfo import make_conninfo

from telemetry.recorder.process import Recorder


class Command(BaseCommand):
    help = (
        "Watch every connected cluster: keep its Events, the states of its objects, and the last lines of containers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        database = settings.DATABASES["default"]
        parts = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
        told = {part: database[name] for part, name in parts.items() if database[name]}
        more = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
        conninfo = make_conninfo(**told, **more)
        recorder = Recorder(conninfo=conninfo)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: recorder.stop())
        recorder.run()
