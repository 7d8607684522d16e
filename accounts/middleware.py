"""What every request passes: the content policy, the door, the reader's time zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from urllib.parse import unquote

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import resolve_url
from django.utils import timezone

Next = Callable[[HttpRequest], HttpResponseBase]

POLICY = (
    "default-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# For pages that show slides, whose pictures stand inside them as they do in the file.
POLICY_WITH_INLINE_PICTURES = POLICY.replace("img-src 'self'", "img-src 'self' data:")
# Served without a session: sign-in itself, intakes and the API (their own credentials), links for people outside, and
# the operator's endpoints.
OPEN_PREFIXES = (
    "/accounts/",
    "/static/",
    "/api/",
    "/v1/",
    "/ingest/",
    "/hooks/",
    "/slack/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/sign-in/",
    "/outside/",
)


FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
UNREAD_PREFIXES = ("/api/", "/v1/", "/ingest/", "/hooks/", "/slack/")


class PlainTextMiddleware:
    """PostgreSQL's text holds no NUL, and nothing that people type does: such a request is refused as bad."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not self._holds_nul(request):
            return self.get_response(request)
        expected = "The request holds a NUL character; expected text without."
        if request.path.startswith("/api/"):
            body = {"type": "about:blank", "title": "The input cannot be taken", "status": 400, "detail": expected}
            return JsonResponse(body, status=400, content_type="application/problem+json")
        return HttpResponse(expected, status=400, content_type="text/plain; charset=utf-8")

    def _holds_nul(self, request: HttpRequest) -> bool:
        if "\x00" in request.path or "\x00" in unquote(request.META.get("QUERY_STRING", "")):
            return True
        # Bodies of the API and of intakes are read by their own parsers.
        if request.content_type not in FORMS or request.path.startswith(UNREAD_PREFIXES):
            return False
        return any("\x00" in value for _, values in request.POST.lists() for value in values)


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class SignInRequiredMiddleware:
    """Pages are closed unless their address is in OPEN_PREFIXES."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(OPEN_PREFIXES) or request.user.is_authenticated:
            return self.get_response(request)
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=401)
            response.headers["HX-Refresh"] = "true"
            return response
        return redirect_to_login(request.get_full_path(), resolve_url(settings.LOGIN_URL))


class ReaderZoneMiddleware:
    """Times are shown in the zone of the profile, else of the browser's cookie, else UTC."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        wanted = getattr(request.user, "zone", "") or unquote(request.COOKIES.get("tz", ""))
        with timezone.override(_zone(wanted)):
            return self.get_response(request)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name[:64] or "UTC")
    except (ValueError, OSError, KeyError):  # unknown names are a KeyError
        return zoneinfo.ZoneInfo("UTC")
