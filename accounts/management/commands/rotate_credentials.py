"""`manage.py rotate_credentials`: encrypts every stored credential with the first of CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from accounts.encryption import CredentialProblem, rotate


class Command(BaseCommand):
    help = "Encrypt stored credentials anew, after a new key was put first into CREDENTIAL_KEYS."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for model in apps.get_models():
            if not any(
                isinstance(field, models.TextField) and field.name == "credentials" for field in model._meta.fields
            ):
                continue
            for row in model._default_manager.select_for_update().exclude(credentials=""):
                try:
                    model._default_manager.filter(pk=row.pk).update(credentials=rotate(row.credentials))  # type: ignore[attr-defined]
                except CredentialProblem as problem:
                    raise CommandError(f"{row}: {problem} Nothing was changed.") from None
                count += 1
        self.stdout.write(f"{count} credentials are encrypted with the first key now. The other keys may be removed.")
