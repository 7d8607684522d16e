"""The role of the person and the scope of the token, both."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken
from accounts.permissions import can_administer, can_respond, can_view

Scope = ApiToken.Scope


def token_allows(request: Request, *scopes: str) -> bool:
    """True without a token (a signed-in page), else when one of the scopes was granted."""
    token = request.auth
    return not isinstance(token, ApiToken) or bool({Scope.ADMIN, *scopes} & set(token.scopes))


class RolePermission(BasePermission):
    """Viewers read, responders write; a view with `admin_writes` wants an admin for writing."""

    message = "Your role or your token's scope does not allow this. An admin can grant it under Settings, People."

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method in SAFE_METHODS:
            return can_view(request.user) and token_allows(request, Scope.READ, Scope.WRITE)
        may = can_administer if getattr(view, "admin_writes", False) else can_respond
        return may(request.user) and token_allows(request, Scope.WRITE)


class AnswerPermission(BasePermission):
    """For answering what one was asked: anybody who reads may, with a token that writes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return can_view(request.user) and token_allows(request, Scope.WRITE)
