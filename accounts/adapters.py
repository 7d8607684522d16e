"""How django-allauth is used: sign-in only, people are added by an admin."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.models import User


class ClosedSignUpAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


@receiver(user_logged_in)
def note_sign_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    audit.record(at=timezone.now(), actor=user, verb="sign_in", target=user.username)


@receiver(user_login_failed)
def note_refused_sign_in(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    name = str(credentials.get("username") or credentials.get("email") or "")[:150]
    audit.record(at=timezone.now(), actor=None, verb="sign_in.refused", target=name)
