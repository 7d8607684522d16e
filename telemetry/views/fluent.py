"""Fluent Bit's and Fluentd's HTTP outputs. Fluent Bit drops a whole chunk on nearly every 4xx, so one bad record is
told in the answer and not by its status."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from telemetry import intake
from telemetry.bodies import BYTES_LIMIT, BadPayload, PayloadTooLarge, UnknownEncoding, decompress
from telemetry.fluent.decode import REDELIVERED_WITHIN, decode
from telemetry.views.admission import BUSY, Refused, admit, pushed_source, read_body


@csrf_exempt
@require_http_methods(["POST", "PUT"])
def records(request: HttpRequest) -> JsonResponse:
    """`{"accepted", "rejected", "reasons": {reason: count}}`; accepted are those that were there already, too."""
    now = timezone.now()
    try:
        source = pushed_source(request, "fluent", admit(request, now), now)
        body = decompress(read_body(request, BYTES_LIMIT), request.headers.get("Content-Encoding", ""))
        since = now - REDELIVERED_WITHIN
        kind = request.headers.get("Content-Type", "")
        decoded = decode(body, kind, now, lambda digest: intake.has_come(digest, source, since))
        decoded = decoded.without(refused := intake.store_logs(decoded.rows, source, now))
    except Refused as refusal:
        return _refusal(refusal)
    except PayloadTooLarge as problem:
        return _refusal(Refused(413, str(problem)))
    except UnknownEncoding as problem:
        return _refusal(Refused(415, str(problem)))
    except BadPayload as problem:
        return _refusal(Refused(400, str(problem)))
    except DatabaseError:
        return _refusal(Refused(503, BUSY))
    accepted = len(decoded.rows) - sum(refused.values())
    return JsonResponse({"accepted": accepted, "rejected": decoded.rejected, "reasons": dict(decoded.reasons)})


def _refusal(refused: Refused) -> JsonResponse:
    return JsonResponse({"message": refused.message}, status=refused.status, headers=refused.headers)
