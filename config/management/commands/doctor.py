"""`manage.py doctor`: checks every part and says how to mend it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.encryption import CredentialProblem
from accounts.models import Role, User
from config import operations
from incidents.slack import health
from telemetry.models import Cluster, Heartbeat, Source
from telemetry.recordings import quiet

SILENT_AFTER = timedelta(minutes=2)


def database() -> tuple[str, str]:
    return operations.database_problem(), "Check DATABASE_URL and that PostgreSQL runs and lets this machine in."


def migrations() -> tuple[str, str]:
    return operations.migrations_problem(), "Run manage.py bootstrap."


def broker() -> tuple[str, str]:
    return operations.broker_problem(), "Check CELERY_BROKER_URL; with pgmq:// run manage.py bootstrap."


def worker() -> tuple[str, str]:
    beat = Heartbeat.objects.filter(name="worker").first()
    if beat is None:
        return "has never been heard of", "Start a worker and beat (docs/operating/install.md)."
    age = timezone.now() - beat.at
    if age > SILENT_AFTER:
        return (
            f"was last heard of {int(age.total_seconds())} s ago",
            "Look at the worker's and beat's logs; start them again.",
        )
    return "", ""


def recorder() -> tuple[str, str]:
    found = quiet(timezone.now())
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return (f"{found[0].title} {found[0].text}".rstrip(".") + more if found else ""), "Sources shows each recording."


def admin() -> tuple[str, str]:
    found = User.objects.filter(role=Role.ADMIN, is_active=True).exists()
    return ("" if found else "nobody is an admin"), "Run manage.py bootstrap."


def credentials() -> tuple[str, str]:
    unread = []
    for row in [*Cluster.objects.all(), *Source.objects.all()]:
        try:
            row.kubeconfig() if isinstance(row, Cluster) else row.secrets()
        except CredentialProblem:
            unread.append(row.name)
    text = f"cannot be read for {', '.join(unread[:5])}" if unread else ""
    return text, "Put the old key back into CREDENTIAL_KEYS, or enter them again."


def sources() -> tuple[str, str]:
    broken = [s.name for s in Source.objects.filter(enabled=True) if s.is_healthy is False]
    return (
        f"did not pass their last test: {', '.join(broken[:5])}" if broken else ""
    ), "Open Sources and press Test again."


def room() -> tuple[str, str]:
    if not settings.DATA_DIR.exists():
        return "", ""
    free = shutil.disk_usage(settings.DATA_DIR).free
    return (f"only {free // 2**20} MiB free in {settings.DATA_DIR}" if free < 500 * 2**20 else ""), "Make room."


def slack() -> tuple[str, str]:
    return health.problem(timezone.now())


PARTS: dict[str, Callable[[], tuple[str, str]]] = {
    "database": database,
    "migrations": migrations,
    "broker": broker,
    "worker": worker,
    "recorder": recorder,
    "admin": admin,
    "credentials": credentials,
    "sources": sources,
    "slack": slack,
    "room": room,
}


class Command(BaseCommand):
    help = "Check every part of this installation and say how to mend what is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=list(PARTS), help="check one part")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = False
        for name, check in PARTS.items():
            if options["only"] not in {None, name}:
                continue
            problem, remedy = check()
            broken |= bool(problem)
            self.stdout.write(f"{name:12} {'ok' if not problem else f'{problem}. {remedy}'}")
            if problem and name == "database":
                break
        if broken:
            raise SystemExit(1)
