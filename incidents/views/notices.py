"""What a person was told: the list, and marking it read."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from incidents.actions.notice import mark_read
from incidents.listing import page_of
from incidents.models import Incident, Notice
from incidents.views.access import person


@require_GET
def notice_list(request: HttpRequest) -> HttpResponse:
    """One's own, newest first, without those of incidents that one may no longer see."""
    me = person(request)
    rows = Notice.objects.filter(person=me, incident__in=Incident.objects.visible_to(me)).select_related("incident")
    unread = rows.filter(read_at=None).count()
    wanted, only_unread = request.GET.get("q", "").strip()[:100], request.GET.get("unread") == "1"
    if wanted:
        rows = rows.filter(text__icontains=wanted)
    if only_unread:
        rows = rows.filter(read_at=None)
    context = {
        "page": page_of(request, rows, key="id"),
        "q": wanted,
        "only_unread": only_unread,
        "unread": unread,
        "now": timezone.now(),
    }
    return render(request, "incidents/notice_list.html", context)


@require_POST
def notice_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Read, and there: a notice that was followed is no longer new."""
    me = person(request)
    rows = Notice.objects.filter(person=me, incident__in=Incident.objects.visible_to(me))
    notice = get_object_or_404(rows, pk=pk)
    mark_read(by=me, now=timezone.now(), notice=notice.pk)
    return redirect(notice.address)


@require_POST
def notices_read(request: HttpRequest) -> HttpResponse:
    count = mark_read(by=person(request), now=timezone.now())
    messages.success(request, f"{count} notice{'' if count == 1 else 's'} marked read.")
    return redirect("notice-list")
