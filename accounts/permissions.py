"""The one set of predicates for pages and API alike. They take any object with the attributes they name."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import Role, User

Person = User | AnonymousUser


class PermissionProblem(Exception):
    """Somebody may not do something; `needed` says which role may."""

    retryable = False

    def __init__(self, needed: str) -> None:
        super().__init__(f"This needs the role {needed}. An admin can grant it under Settings, People.")
        self.needed = needed


def can_view(person: Person) -> bool:
    return bool(person.is_authenticated and person.is_active)


def can_respond(person: Person) -> bool:
    return isinstance(person, User) and person.is_active and person.role in {Role.RESPONDER, Role.ADMIN}


def can_administer(person: Person) -> bool:
    return isinstance(person, User) and person.is_active and person.role == Role.ADMIN


def can_read_restricted(person: Person, participant_ids: set[int]) -> bool:
    """Restricted things are for admins and for those who take part."""
    return can_administer(person) or (person.pk is not None and person.pk in participant_ids)


def require_respond(person: Any) -> None:
    if not can_respond(person):
        raise PermissionProblem("responder")


def require_administer(person: Any) -> None:
    if not can_administer(person):
        raise PermissionProblem("admin")
