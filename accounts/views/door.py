"""The one-time sign-in link: opening it asks for one press, so that a link preview cannot use it up."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actions.tokens import use_sign_in_link


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_link(request: HttpRequest, secret: str) -> HttpResponse:
    if request.method == "GET":
        return render(request, "accounts/sign_in_link.html", {"secret": secret})
    user = use_sign_in_link(secret=secret, now=timezone.now())
    if user is None:
        return render(request, "accounts/sign_in_link.html", {"refused": True}, status=410)
    login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return redirect("home")
