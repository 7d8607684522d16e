"""The version for people outside: making and revoking links, and the page behind one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import require_respond
from incidents.actions.outside import make_external_link, open_external_link, revoke_external_link
from incidents.forms import taken
from incidents.forms_reading import ExternalLinkForm
from incidents.models import ExternalLink, PostMortem
from incidents.outside import check_choice, choices, render_outside
from incidents.views.access import deed, permitted, person, visible_postmortem

# The page runs nothing, and shows what is in it alone.
POLICY = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
LISTED = 100


@require_http_methods(["GET", "POST"])
@permitted
def postmortem_outside(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    row = visible_postmortem(request, number)
    form = ExternalLinkForm(request.POST or None, sections=choices(row.published_body))
    made = None
    if request.method == "POST":
        made = taken(form, lambda: _make(request, row, form.cleaned_data))
        if made is None:
            return _page(request, row, form, status=422)
        form = ExternalLinkForm(sections=choices(row.published_body))
    address = settings.BASE_URL + reverse("outside", args=[made[1]]) if made else ""
    answer = _page(request, row, form, address=address, made=made[0] if made else None)
    answer["Cache-Control"] = "no-store"
    return answer


def _make(request: HttpRequest, row: PostMortem, asked: dict[str, Any]) -> tuple[ExternalLink, str]:
    check_choice(row.published_body, asked["sections"])
    return make_external_link(postmortem=row, by=person(request), now=timezone.now(), **asked)


@require_POST
@permitted
def outside_revoke(request: HttpRequest, number: int, link: int) -> HttpResponse:
    require_respond(request.user)
    row = get_object_or_404(visible_postmortem(request, number).external_links, pk=link)
    return deed(
        request,
        lambda: revoke_external_link(link=row, by=person(request), now=timezone.now()),
        done=f"The link for {row.audience} no longer works.",
        to=reverse("postmortem-outside", args=[number]),
    )


@require_GET
def outside(request: HttpRequest, token: str) -> HttpResponse:
    """For anybody who holds the link. What was never there and what has ended look the same."""
    link = open_external_link(token=token, now=timezone.now())
    if link is None:
        raise Http404("There is nothing here.")
    context = {"link": link, "document": render_outside(link), "postmortem": link.postmortem}
    answer = render(request, "outside.html", context)
    answer["Content-Security-Policy"] = POLICY
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer["Cache-Control"] = "no-store"
    return answer


def _page(
    request: HttpRequest, row: PostMortem, form: ExternalLinkForm, *, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        "postmortem": row,
        "incident": row.incident,
        "form": form,
        "links": row.external_links.select_related("created_by")[:LISTED],
        "now": timezone.now(),
        **more,
    }
    return render(request, "incidents/postmortem_outside.html", context, status=status)
