"""Webhooks of programs that alert: `/hooks/KIND/`, JSON, gzip or not."""

from __future__ import annotations

import json
import logging

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from telemetry.actions.alert import receive_alerts
from telemetry.alerts.formats import FORMATS
from telemetry.alerts.rows import Alerts, BadAlerts
from telemetry.otlp.decode import IntakeError, PayloadTooLarge, decompress
from telemetry.redaction import storable_value
from telemetry.views.admission import BUSY, Refused, admit, pushed_source, read_body

BYTES_LIMIT = 4 * 1024 * 1024
log = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["POST", "PUT"])
def hook(request: HttpRequest, kind: str) -> JsonResponse:
    """Answers with how many alerts were taken and why others were not."""
    now = timezone.now()
    try:
        if kind not in FORMATS:
            raise Refused(404, f"/hooks/{kind[:40]}/: expected one of {', '.join(FORMATS)}")
        by = admit(request, now)
        source = pushed_source(request, kind, by, now)
        found = FORMATS[kind](_json(request), now)
        receive_alerts(source=source, rows=found.rows, now=now)
    except Refused as refused:
        return _refused(refused)
    except PayloadTooLarge as problem:
        return _refused(Refused(413, str(problem)))
    except (BadAlerts, IntakeError) as problem:
        return _refused(Refused(400, str(problem)))
    except DatabaseError:
        log.exception("alerts of %s could not be kept; the sender is asked to come back", kind)
        return _refused(Refused(503, BUSY))
    return JsonResponse(_answer(found))


def _json(request: HttpRequest) -> object:
    body = decompress(read_body(request, BYTES_LIMIT), request.headers.get("Content-Encoding", ""), limit=BYTES_LIMIT)
    try:
        return storable_value(json.loads(body))
    except (ValueError, RecursionError):
        raise BadAlerts("body: expected JSON") from None


def _answer(found: Alerts) -> dict[str, object]:
    answer: dict[str, object] = {"accepted": len(found.rows), "rejected": sum(found.reasons.values())}
    if found.reasons:
        answer["reasons"] = dict(found.reasons)
    if found.truncated:
        answer["left_out_by_sender"] = found.truncated
    return answer


def _refused(refused: Refused) -> JsonResponse:
    answer = JsonResponse({"message": refused.message}, status=refused.status)
    for name, value in refused.headers.items():
        answer.headers[name] = value
    return answer
