"""What came from chats and what goes to them: files that were given, deliveries that failed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from incidents.actions.delivery import retry_delivery
from incidents.views.access import deed, permitted, person, visible_incident


@require_GET
def attachment(request: HttpRequest, number: int, attachment: int) -> HttpResponse:
    """Only ever downloaded: whatever it is, no browser may run or show it here."""
    incident = visible_incident(request, number)
    row = get_object_or_404(incident.attachments, pk=attachment)
    answer = HttpResponse(bytes(row.data), content_type="application/octet-stream")
    answer["Content-Disposition"] = content_disposition_header(True, row.name) or "attachment"
    answer["Cache-Control"] = "private, no-cache"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@require_POST
@permitted
def delivery_retry(request: HttpRequest, number: int, delivery: int) -> HttpResponse:
    incident = visible_incident(request, number)
    row = get_object_or_404(incident.deliveries, pk=delivery)
    return deed(
        request,
        lambda: retry_delivery(delivery=row, by=person(request), now=timezone.now()),
        done=f"{row.service.capitalize()} is told again.",
        to=f"{incident.get_absolute_url()}#h-chat",
    )
