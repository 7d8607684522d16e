"""`manage.py sign_in_link USER`: prints a link that signs a person in once within a day."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone

from accounts.actions.tokens import create_sign_in_link
from accounts.models import User


class Command(BaseCommand):
    help = "Print a link that signs a person in once, within a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="username or e-mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.find(options["user"])
        if user is None:
            raise CommandError(f"No person has the username or e-mail address {options['user']!r}.")
        secret = create_sign_in_link(user=user, now=timezone.now())
        self.stdout.write(settings.BASE_URL + reverse("sign-in-link", args=[secret]))
