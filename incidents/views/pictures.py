"""Pictures of an incident: sent by the editor, shown to who may see the incident."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.actions.picture import store_picture
from incidents.pictures import BYTES
from incidents.views.access import permitted, person, said, visible_incident

KEPT_SECONDS = 7 * 24 * 3600


@require_POST
@permitted
def picture_new(request: HttpRequest, number: int) -> HttpResponse:
    """A multipart form with the file in `picture`; answers with its address and the Markdown that shows it."""
    incident = visible_incident(request, number)
    require_respond(request.user)
    sent = request.FILES.get("picture")
    try:
        if sent is None:
            raise InvalidInput("picture", "is missing; send the file in the field picture of a multipart form")
        if (sent.size or 0) > BYTES:
            raise InvalidInput(
                "picture", f"has {(sent.size or 0) / 2**20:.1f} MiB; expected at most {BYTES // 2**20} MiB"
            )
        row = store_picture(
            incident=incident, name=sent.name or "", data=sent.read(), by=person(request), now=timezone.now()
        )
    except InvalidInput as problem:
        return JsonResponse({"errors": problem.errors, "detail": said(problem)}, status=422)
    address = row.get_absolute_url()
    return JsonResponse({"address": address, "name": row.name, "width": row.width, "height": row.height}, status=201)


@require_GET
def picture(request: HttpRequest, number: int, picture: int) -> HttpResponse:
    """It never changes under its address, so that a browser may keep it; nobody else may."""
    incident = visible_incident(request, number)
    row = get_object_or_404(incident.pictures, pk=picture)
    answer = HttpResponse(bytes(row.data), content_type=row.content_type)
    ending = row.content_type.rpartition("/")[2].replace("jpeg", "jpg")
    answer["Content-Disposition"] = content_disposition_header(False, f"INC-{number}-{row.pk}.{ending}") or "inline"
    answer["Cache-Control"] = f"private, max-age={KEPT_SECONDS}, immutable"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
