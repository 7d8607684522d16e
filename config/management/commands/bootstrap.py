"""`manage.py bootstrap`: makes a database ready; safe to run again and by several processes at once."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.actions.people import add_person
from accounts.actions.tokens import create_sign_in_link
from accounts.models import Role, SignInLink, User
from config import broker
from telemetry.recorder.retention import make_days


class Command(BaseCommand):
    help = "Migrate, create the broker's tables where PostgreSQL is the broker, and print the first sign-in link."

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('debrief-bootstrap'))")
        call_command("migrate", verbosity=0, interactive=False)
        if broker.uses_postgresql():
            broker.install()
        now = timezone.now()
        make_days(now.astimezone(UTC).date())
        if not User.objects.exists():
            add_person(username="admin", email="admin@localhost.localdomain", name="Admin", role=Role.ADMIN, now=now)
        nobody_came_yet = not User.objects.filter(last_login__isnull=False).exists()
        if nobody_came_yet:
            SignInLink.objects.filter(used_at=None).delete()
            admin = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk").first()
            if admin is not None:
                secret = create_sign_in_link(user=admin, now=now)
                self.stdout.write(f"Sign in once with {settings.BASE_URL}{reverse('sign-in-link', args=[secret])}")
