"""OTLP over HTTP: protobuf and JSON, gzip, chunked. https://opentelemetry.io/docs/specs/otlp/"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.actions.tokens import find_token
from accounts.models import ApiToken
from accounts.permissions import can_respond
from telemetry import intake
from telemetry.otlp import decode

ALLOWED = {ApiToken.Scope.INGEST, ApiToken.Scope.ADMIN}


def _answer(body: bytes, content_type: str, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type=content_type)


def _refusal(content_type: str, status: int, message: str) -> HttpResponse:
    answer = _answer(decode.status_answer(message, content_type), content_type, status)
    if status == 503:
        # The one transient answer that every sender honours.
        answer.headers["Retry-After"] = "5"
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Debrief"'
    return answer


def _receive(
    request: HttpRequest, read: Callable[..., Any], store: Callable[..., None], succeed: Callable[..., bytes]
) -> HttpResponse:
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    content_type = given if given in decode.CONTENT_TYPES else decode.JSON
    if given not in decode.CONTENT_TYPES:
        return _refusal(content_type, 415, f"Content-Type: expected one of {', '.join(decode.CONTENT_TYPES)}")
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    try:
        token = find_token(secret=secret.strip(), now=timezone.now()) if kind.lower() == "bearer" else None
        if token is None:
            return _refusal(content_type, 401, "Authorization: expected Bearer and a valid token with the scope ingest")
        if not ALLOWED & set(token.scopes):
            return _refusal(content_type, 403, "This token lacks the scope ingest; make one under Settings, Tokens")
        if not can_respond(token.user):
            return _refusal(content_type, 403, "The person of this token only reads; sending needs the role responder")
        body = decode.decompress(_body(request), request.headers.get("Content-Encoding", ""))
        decoded = read(body, content_type)
        store(decoded.rows, timezone.now())
    except decode.PayloadTooLarge as problem:
        return _refusal(content_type, 413, str(problem))
    except decode.BadPayload as problem:
        return _refusal(content_type, 400, str(problem))
    except DatabaseError:
        return _refusal(content_type, 503, "The database does not take anything at the moment; send it again")
    return _answer(succeed(decoded, content_type), content_type, 200)


def _body(request: HttpRequest) -> bytes:
    """The compressed body under its cap, read in pieces: Content-Length may be missing (chunked)."""
    found = bytearray()
    while piece := request.read(64 * 1024):
        found += piece
        if len(found) > decode.BYTES_LIMIT:
            raise decode.PayloadTooLarge(decode.BYTES_LIMIT)
    return bytes(found)


@csrf_exempt
@require_POST
def traces(request: HttpRequest) -> HttpResponse:
    return _receive(request, decode.decode_traces, intake.store_spans, decode.traces_answer)


@csrf_exempt
@require_POST
def logs(request: HttpRequest) -> HttpResponse:
    return _receive(request, decode.decode_logs, intake.store_logs, decode.logs_answer)
