"""Every error of the API as problem details (RFC 9457), with one entry per field."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput

TITLES = {
    400: "The input cannot be taken",
    401: "Sign in or send a token",
    403: "Not allowed",
    404: "Not found",
    405: "This address does not take this method",
    409: "In conflict with what is there",
    412: "Changed in the meantime",
    415: "Send JSON",
    422: "The input cannot be taken",
    429: "Too many requests",
    503: "Not available for the moment",
}


def problem(code: int, detail: str, *, errors: dict[str, str] | None = None, **more: Any) -> Response:
    body = {"type": "about:blank", "title": TITLES.get(code, "Error"), "status": code, "detail": detail}
    if errors is not None:
        body["errors"] = [{"field": field, "detail": text} for field, text in errors.items()]
    return Response(body | more, status=code, content_type="application/problem+json")


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, InvalidInput):
        return problem(400, "See errors for each field.", errors=error.errors)
    if isinstance(error, ValidationError):
        fields = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        return problem(400, "See errors for each field.", errors={k: " ".join(v) for k, v in fields.items()})
    if isinstance(error, PermissionProblem):
        return problem(403, str(error))
    if isinstance(error, OperationalError):
        answer = problem(503, "The database did not answer. Try again.")
        answer.headers["Retry-After"] = "2"
        return answer
    answered = exception_handler(error, context)
    if answered is None:
        return None
    replacement = _from_drf(error, answered)
    for name in ("WWW-Authenticate", "Retry-After", "Allow"):
        if name in answered.headers:
            replacement.headers[name] = answered.headers[name]
    return replacement


def _from_drf(error: Exception, answered: Response) -> Response:
    if isinstance(error, exceptions.ValidationError):
        return problem(400, "See errors for each field.", errors=flatten(error.detail))
    if isinstance(error, Http404):
        return problem(404, "There is nothing here that you may see.")
    if isinstance(error, PermissionDenied):
        return problem(403, "You may not do this.")
    detail = answered.data.get("detail", "") if isinstance(answered.data, dict) else ""
    return problem(answered.status_code or status.HTTP_400_BAD_REQUEST, str(detail))


def flatten(detail: Any, prefix: str = "") -> dict[str, str]:
    """`{"workloads": [{"kind": ["…"]}]}` → `{"workloads.0.kind": "…"}`."""
    if isinstance(detail, dict):
        pairs = [(("" if key == "non_field_errors" else str(key)), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict) for item in detail):
        pairs = [(str(place), item) for place, item in enumerate(detail) if item]
    else:
        return {prefix: " ".join(str(item) for item in (detail if isinstance(detail, list) else [detail]))}
    found: dict[str, str] = {}
    for key, value in pairs:
        found |= flatten(value, f"{prefix}.{key}".strip("."))
    return found
