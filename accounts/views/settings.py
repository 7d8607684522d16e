"""Settings: people, tokens, one's own profile, the audit trail."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.actions.people import LastAdmin, add_person, change_person
from accounts.actions.tokens import create_sign_in_link, create_token, revoke_token
from accounts.forms import PersonForm, ProfileForm, TokenForm
from accounts.models import STAND_IN_DOMAIN, ApiToken, AuditEvent, Role, User
from accounts.permissions import can_administer


def _me(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _admin(request: HttpRequest) -> User:
    me = _me(request)
    if not can_administer(me):
        raise PermissionDenied("This needs the role admin. An admin can grant it under Settings, People.")
    return me


@require_http_methods(["GET", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None)
    link = ""
    if request.method == "POST":
        admin = _admin(request)
        if form.is_valid():
            now = timezone.now()
            try:
                user = add_person(by=admin, now=now, **form.cleaned_data)
            except ValidationError as problem:
                form.add_error(None, problem)
            else:
                link = settings.BASE_URL + reverse("sign-in-link", args=[create_sign_in_link(user=user, now=now)])
                messages.success(request, f"{user.display_name} was added.")
                form = PersonForm()
    wanted = request.GET.get("q", "").strip()[:100]
    rows = User.objects.exclude(email__iendswith=STAND_IN_DOMAIN).prefetch_related("teams")
    if wanted:
        rows = rows.filter(username__icontains=wanted) | rows.filter(name__icontains=wanted)
    context = {
        "people": rows[:200],
        "form": form,
        "link": link,
        "roles": Role.choices,
        "q": wanted,
        "can_administer": can_administer(request.user),
    }
    return render(request, "accounts/people.html", context, status=422 if form.errors else 200)


@require_POST
def person(request: HttpRequest, pk: int) -> HttpResponse:
    admin = _admin(request)
    user = get_object_or_404(User.objects.exclude(email__iendswith=STAND_IN_DOMAIN), pk=pk)
    role = request.POST.get("role", user.role)
    if role not in Role.values:
        messages.error(request, f"role: expected one of {', '.join(Role.values)}")
        return redirect("settings-people")
    try:
        is_active = request.POST.get("is_active", "1") == "1"
        change_person(user=user, role=role, is_active=is_active, by=admin, now=timezone.now())
    except (LastAdmin, ValidationError) as problem:
        messages.error(request, f"Not changed. {problem}")
    else:
        messages.success(request, f"{user.display_name} was changed.")
    return redirect("settings-people")


@require_POST
def person_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A fresh one-time link for somebody who cannot sign in; shown to the admin once."""
    admin, now = _admin(request), timezone.now()
    user = get_object_or_404(User.objects.choosable(), pk=pk)
    with transaction.atomic():
        secret = create_sign_in_link(user=user, now=now)
        audit.record(at=now, actor=admin, verb="sign_in.link_made", target=str(user))
    link = settings.BASE_URL + reverse("sign-in-link", args=[secret])
    return render(request, "accounts/link.html", {"person": user, "link": link})


@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    me = _me(request)
    form = TokenForm(me, request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        days = form.cleaned_data["days"]
        _, secret = create_token(
            user=me,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            now=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
        form = TokenForm(me)
    rows = ApiToken.objects.select_related("user")
    rows = rows if can_administer(me) else rows.filter(user=me)
    context = {"tokens": rows[:200], "form": form, "secret": secret, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    me = _me(request)
    rows = ApiToken.objects.all() if can_administer(me) else ApiToken.objects.filter(user=me)
    token = get_object_or_404(rows, pk=pk)
    revoke_token(token=token, by=me, now=timezone.now())
    messages.success(request, f"{token.name} is revoked.")
    return redirect("settings-tokens")


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=_me(request).pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("settings-profile")
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
def audit_trail(request: HttpRequest) -> HttpResponse:
    _admin(request)
    rows = AuditEvent.objects.select_related("actor")
    wanted = request.GET.get("q", "").strip()[:100]
    if wanted:
        rows = (
            rows.filter(verb__icontains=wanted)
            | rows.filter(target__icontains=wanted)
            | rows.filter(actor_name__icontains=wanted)
        )
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 18:
        rows = rows.filter(pk__lt=int(before))
    events = list(rows.order_by("-id")[:51])
    more = str(events[49].pk) if len(events) > 50 else ""
    return render(request, "accounts/audit.html", {"events": events[:50], "q": wanted, "more": more})
