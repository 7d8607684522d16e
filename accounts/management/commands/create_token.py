"""`manage.py create_token USER`: prints a new API token, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.actions.tokens import create_token
from accounts.models import ApiToken, User


class Command(BaseCommand):
    help = "Create an API token for a person and print it. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="username or e-mail address")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument(
            "--scope",
            action="append",
            choices=ApiToken.Scope.values,
            help="may be given several times; default: write",
        )
        parser.add_argument("--days", type=int, help="days until it expires; default: never")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.find(options["user"])
        if user is None:
            raise CommandError(f"No person has the username or e-mail address {options['user']!r}.")
        now = timezone.now()
        expires_at = now + timedelta(days=options["days"]) if options["days"] else None
        scopes = options["scope"] or [ApiToken.Scope.WRITE]
        _, secret = create_token(user=user, name=options["name"], scopes=scopes, now=now, expires_at=expires_at)
        self.stdout.write(secret)
