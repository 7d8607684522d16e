"""`manage.py slack_manifest`: the manifest from which Slack makes the app."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from incidents.slack.manifest import reachable, written


class Command(BaseCommand):
    help = "Print the manifest from which Slack makes the app (api.slack.com/apps, From a manifest)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--socket", action="store_true", help="for Socket Mode, where Slack cannot reach us")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["socket"] and not reachable():
            self.stderr.write(
                f"Slack cannot reach {settings.BASE_URL}. Set BASE_URL to an https address that it can, or use --socket."
            )
        self.stdout.write(written(socket=options["socket"]))
