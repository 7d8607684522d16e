"""API tokens and one-time sign-in links: made, used, revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from accounts import audit
from accounts.models import ApiToken, SignInLink, User

LINK_LIFETIME = timedelta(hours=24)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_token(
    *,
    user: User,
    name: str,
    scopes: list[str],
    now: datetime,
    expires_at: datetime | None = None,
    by: User | None = None,
) -> tuple[ApiToken, str]:
    """The row and the secret, which is shown this once."""
    secret = f"dbf_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user, name=name, prefix=secret[:10], digest=_digest(secret), scopes=scopes, expires_at=expires_at
    )
    audit.record(at=now, actor=by or user, verb="token.created", target=str(token), detail={"scopes": scopes})
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User, now: datetime) -> None:
    if token.revoked_at is None:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        audit.record(at=now, actor=by, verb="token.revoked", target=str(token))


def find_token(*, secret: str, now: datetime) -> ApiToken | None:
    """The valid token of this secret; its use is noted once a minute and audited once a day."""
    token = ApiToken.objects.select_related("user").filter(digest=_digest(secret)).first()
    if token is None or not token.is_valid(now):
        return None
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        if token.last_used_at is None or now.date() != token.last_used_at.date():
            audit.record(at=now, actor=token.user, verb="token.used", target=str(token), via=token.prefix)
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


@transaction.atomic
def create_sign_in_link(*, user: User, now: datetime) -> str:
    """The secret part of a link that signs `user` in once within a day."""
    secret = secrets.token_urlsafe(32)
    SignInLink.objects.create(user=user, digest=_digest(secret), expires_at=now + LINK_LIFETIME)
    return secret


@transaction.atomic
def use_sign_in_link(*, secret: str, now: datetime) -> User | None:
    link = SignInLink.objects.select_for_update().filter(digest=_digest(secret)).select_related("user").first()
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    if not link.user.is_active or link.user.is_stand_in:
        return None
    link.used_at = now
    link.save(update_fields=["used_at"])
    audit.record(at=now, actor=link.user, verb="sign_in.link", target=str(link.user))
    return link.user
