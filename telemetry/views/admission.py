"""The gate of every intake: who may push, to which source, and how much.

A refusal's status decides whether the sender tries again: 503 with Retry-After is the one that all honour, so a
database that is away is never told as anything else.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta

from django.http import HttpRequest

from accounts.actions.tokens import find_token
from accounts.models import ApiToken, User
from accounts.permissions import can_respond
from telemetry.actions.source import ensure_pushed_source
from telemetry.models import Source
from telemetry.redaction import storable

ALLOWED = {ApiToken.Scope.INGEST, ApiToken.Scope.ADMIN}
RETRY_SECONDS = 5
HEARD_EVERY = timedelta(minutes=1)
BUSY = "The database does not take anything at the moment; send it again"


class Refused(Exception):
    """A push that is not taken: the HTTP status and what was expected."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def headers(self) -> dict[str, str]:
        if self.status == 401:
            return {"WWW-Authenticate": 'Bearer realm="Debrief"'}
        return {"Retry-After": str(RETRY_SECONDS)} if self.status == 503 else {}


def admit(request: HttpRequest, now: datetime) -> User:
    """The person of the token: `Bearer TOKEN`, or Basic with the token as password. Raises Refused, DatabaseError."""
    token = find_token(secret=secret, now=now) if (secret := _secret(request)) else None
    if token is None:
        raise Refused(401, "Authorization: expected Bearer and a valid token with the scope ingest")
    if not ALLOWED & set(token.scopes):
        raise Refused(403, "This token lacks the scope ingest; make one under Settings, Tokens")
    if not can_respond(token.user):
        raise Refused(403, "The person of this token only reads; sending needs the role responder")
    return token.user


def _secret(request: HttpRequest) -> str:
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(secret.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def pushed_source(request: HttpRequest, kind: str, by: User, now: datetime) -> Source:
    """The source that the header X-Debrief-Source names, else the first of its kind, made with the first push.

    Raises Refused, DatabaseError.
    """
    name = storable(request.headers.get("X-Debrief-Source", "").strip())
    rows = Source.objects.filter(kind=kind)
    source = (rows.filter(name=name) if name else rows.order_by("pk")).first()
    if source is None and name:
        raise Refused(
            403, f"X-Debrief-Source: there is no source {name[:80]!r} of the kind {kind}; add it under Sources"
        )
    source = source or ensure_pushed_source(kind=kind, by=by, now=now)
    if not source.enabled:
        raise Refused(403, f"The source {source.name} is switched off; an admin can switch it on under Sources")
    if source.heard_at is None or now - source.heard_at > HEARD_EVERY:
        Source.objects.filter(pk=source.pk).update(heard_at=now)
    return source


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The body as it was sent, read in pieces: Content-Length may be missing (chunked). Raises Refused."""
    found = bytearray()
    while piece := request.read(64 * 1024):
        found += piece
        if len(found) > limit:
            raise Refused(413, f"body: expected at most {limit // 2**20} MiB; send smaller batches")
    return bytes(found)
