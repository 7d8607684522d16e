"""People: added, given a role, deactivated."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import STAND_IN_DOMAIN, Role, User
from accounts.permissions import require_administer


class LastAdmin(Exception):
    """The last admin would lose the role."""

    retryable = False


@transaction.atomic
def add_person(*, username: str, email: str, name: str = "", role: str, now: datetime, by: User | None = None) -> User:
    """Without `by` it is the command line or the first start that adds."""
    if by is not None:
        require_administer(by)
    user = User(username=username, email=email, name=name, role=role)
    if user.is_stand_in:
        raise ValidationError({"email": f"Addresses at {STAND_IN_DOMAIN} are reserved. Enter one that reaches them."})
    user.set_password(secrets.token_urlsafe(32))
    user.full_clean(exclude=["password"])
    user.save()
    audit.record(at=now, actor=by, verb="person.added", target=username, detail={"role": role})
    return user


@transaction.atomic
def change_person(*, user: User, role: str, is_active: bool, by: User, now: datetime) -> User:
    require_administer(by)
    admins = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).values_list("pk", flat=True)
    if set(admins) == {user.pk} and (role != Role.ADMIN or not is_active):
        raise LastAdmin("This is the last admin. Make somebody else an admin first.")
    detail = {"role": [user.role, role], "is_active": [user.is_active, is_active]}
    user.role, user.is_active = role, is_active
    user.save(update_fields=["role", "is_active"])
    audit.record(at=now, actor=by, verb="person.changed", target=user.username, detail=detail)
    return user
