"""OTLP over HTTP: protobuf and JSON, gzip, chunked. https://opentelemetry.io/docs/specs/otlp/"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from telemetry import intake
from telemetry.bodies import BYTES_LIMIT, BadPayload, PayloadTooLarge, UnknownEncoding, decompress
from telemetry.otlp import decode
from telemetry.views.admission import BUSY, Refused, admit, pushed_source, read_body


def _answer(body: bytes, content_type: str, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type=content_type)


def _refusal(content_type: str, status: int, message: str) -> HttpResponse:
    answer = _answer(decode.status_answer(message, content_type), content_type, status)
    for name, value in Refused(status, message).headers.items():
        answer.headers[name] = value
    return answer


def _receive(
    request: HttpRequest, read: Callable[..., Any], store: Callable[..., dict[str, int]], succeed: Callable[..., bytes]
) -> HttpResponse:
    given = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    content_type = given if given in decode.CONTENT_TYPES else decode.JSON
    if given not in decode.CONTENT_TYPES:
        return _refusal(content_type, 415, f"Content-Type: expected one of {', '.join(decode.CONTENT_TYPES)}")
    now = timezone.now()
    try:
        source = pushed_source(request, "otlp", admit(request, now), now)
        body = decompress(read_body(request, BYTES_LIMIT), request.headers.get("Content-Encoding", ""))
        decoded = read(body, content_type)
        decoded = decoded.without(store(decoded.rows, source, now))
    except Refused as refused:
        return _refusal(content_type, refused.status, refused.message)
    except PayloadTooLarge as problem:
        return _refusal(content_type, 413, str(problem))
    except UnknownEncoding as problem:
        return _refusal(content_type, 415, str(problem))
    except BadPayload as problem:
        return _refusal(content_type, 400, str(problem))
    except DatabaseError:
        return _refusal(content_type, 503, BUSY)
    return _answer(succeed(decoded, content_type), content_type, 200)


@csrf_exempt
@require_POST
def traces(request: HttpRequest) -> HttpResponse:
    return _receive(request, decode.decode_traces, intake.store_spans, decode.traces_answer)


@csrf_exempt
@require_POST
def logs(request: HttpRequest) -> HttpResponse:
    return _receive(request, decode.decode_logs, intake.store_logs, decode.logs_answer)


@csrf_exempt
@require_POST
def metrics(request: HttpRequest) -> HttpResponse:
    return _receive(request, decode.decode_metrics, intake.store_points, decode.metrics_answer)
