"""Settings, Slack: how the app is set up, what it may do, what an admin chose, who is who, what failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import escape
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from accounts.permissions import require_administer
from incidents.actions.delivery import retry_delivery
from incidents.chat.lanes import Later, Never
from incidents.forms import taken
from incidents.listing import page_of
from incidents.models import Delivery, Incident, Severity
from incidents.models.delivery import UNFINISHED, QueuedState
from incidents.slack import manifest, names, naming, scopes
from incidents.slack.administering import link_person, retry_request, save_settings, send_test
from incidents.slack.client import is_on
from incidents.slack.models import SlackPerson, SlackRequest
from incidents.slack.people import check_workspace, workspace
from incidents.slack.settings import chosen
from incidents.slack.settings_form import LinkForm, SlackSettingsForm
from incidents.views.access import deed, permitted, person, require_valid

FAILURES = 30
VARIABLES = (
    ("SLACK_BOT_TOKEN", "the bot token, xoxb-…"),
    ("SLACK_SIGNING_SECRET", "the signing secret, for HTTP"),
    ("SLACK_APP_TOKEN", "the app-level token, xapp-…, for Socket Mode"),
)
EXAMPLE = "Checkout answers 503"


@require_GET
@permitted
def slack_settings(request: HttpRequest) -> HttpResponse:
    require_administer(request.user)
    return _page(request, SlackSettingsForm(row=chosen()))


@require_POST
@permitted
def slack_save(request: HttpRequest) -> HttpResponse:
    """A refused form comes back with what was typed."""
    require_administer(request.user)
    form = SlackSettingsForm(request.POST, row=chosen())
    by, now = person(request), timezone.now()
    if taken(form, lambda: save_settings(choices=form.choices(), by=by, now=now)) is None:
        return _page(request, form, status=422)
    messages.success(request, "The choices for Slack are saved.")
    return redirect("settings-slack")


@require_POST
@permitted
def slack_check(request: HttpRequest) -> HttpResponse:
    require_administer(request.user)
    try:
        found = check_workspace(timezone.now())
    except (Later, Never) as problem:
        messages.error(request, f"Not connected. {problem}")
    else:
        lacking = scopes.missing(found.scopes)
        several = "scope is" if len(lacking) == 1 else "scopes are"
        told = f"{len(lacking)} {several} missing." if lacking else "Every scope is granted."
        (messages.warning if lacking else messages.success)(request, f"Connected to {found}. {told}")
    return redirect("settings-slack")


@require_POST
@permitted
def slack_test(request: HttpRequest) -> HttpResponse:
    channel = request.POST.get("channel", "")
    return deed(
        request,
        lambda: send_test(channel=channel, by=person(request), now=timezone.now()),
        done="",
        to="/settings/slack/#h-test",
    )


@require_GET
@permitted
def slack_test_result(request: HttpRequest) -> HttpResponse:
    """The last test alone; htmx asks for it while it is under way."""
    require_administer(request.user)
    return render(request, "slack/_test.html", _test())


@require_GET
@permitted
def slack_example(request: HttpRequest) -> HttpResponse:
    require_administer(request.user)
    return HttpResponse(escape(example(request.GET.get("channel_template", "")[:200], timezone.now())))


@require_POST
@permitted
def slack_person(request: HttpRequest, pk: int) -> HttpResponse:
    require_administer(request.user)
    row, form = get_object_or_404(SlackPerson, pk=pk), LinkForm(request.POST)

    def act() -> None:
        require_valid(form)
        link_person(person=row, user=form.cleaned_data["user"], by=person(request), now=timezone.now())

    return deed(request, act, done=f"{row.name} is saved.", to="/settings/slack/#h-people")


@require_POST
@permitted
def slack_request_retry(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(SlackRequest, pk=pk)
    return deed(
        request,
        lambda: retry_request(request=row, by=person(request), now=timezone.now()),
        done="It is tried again.",
        to="/settings/slack/#h-failed",
    )


@require_POST
@permitted
def slack_delivery_retry(request: HttpRequest, pk: int) -> HttpResponse:
    require_administer(request.user)
    row = get_object_or_404(Delivery, pk=pk, service=names.SERVICE)
    return deed(
        request,
        lambda: retry_delivery(delivery=row, by=person(request), now=timezone.now()),
        done="It is tried again.",
        to="/settings/slack/#h-failed",
    )


def example(template: str, now: datetime) -> str:
    """What the channel of an incident would be called, or what is wrong with the template."""
    if wrong := naming.check_template(template):
        return f"The template {wrong}."
    severity = Severity(name="SEV2", rank=2)
    incident = Incident(number=42, title=EXAMPLE, severity=severity, declared_at=now, services=["checkout"])
    return f"#{naming.channel_name(incident, template)} for {EXAMPLE}"


def _page(request: HttpRequest, form: SlackSettingsForm, status: int = 200) -> HttpResponse:
    known = workspace() if is_on() else None
    context = {
        "form": form,
        "is_on": is_on(),
        "variables": [(name, what, bool(getattr(settings, name))) for name, what in VARIABLES],
        "is_reachable": manifest.reachable(),
        "manifests": [
            ("http", "HTTP: Slack calls Debrief", manifest.written()),
            ("socket", "Socket Mode: Debrief calls Slack", manifest.written(socket=True)),
        ],
        "workspace": known,
        "missing": scopes.missing(known.scopes) if known else [],
        "granted": [scope for scope in scopes.NEEDED if known and scope in known.scopes],
        "example": example(str(form["channel_template"].value() or "")[:200], timezone.now()),
        **_test(),
        **_people(request),
        **_failures(),
    }
    return render(request, "slack/settings.html", context, status=status)


def _test() -> dict[str, Any]:
    row = Delivery.objects.filter(service=names.SERVICE, kind="test").order_by("-id").first()
    return {"test": row, "is_testing": row is not None and row.state in UNFINISHED}


def _people(request: HttpRequest) -> dict[str, Any]:
    """Those whom nobody linked first: bots are nobody anywhere."""
    linked, q = request.GET.get("linked") == "1", request.GET.get("q", "").strip()[:100]
    rows = SlackPerson.objects.filter(is_bot=False, user__isnull=not linked).select_related("user")
    if q:
        rows = rows.filter(Q(name__icontains=q) | Q(email__icontains=q) | Q(user__username__icontains=q))
    users = User.objects.choosable().order_by("username")[:500]
    return {"people": page_of(request, rows, key="pk"), "linked": linked, "q": q, "users": users}


def _failures() -> dict[str, Any]:
    deliveries = Delivery.objects.filter(service=names.SERVICE, state=QueuedState.FAILED).select_related("incident")
    asked = SlackRequest.objects.filter(state=QueuedState.FAILED).defer("payload")
    return {
        "failed_deliveries": deliveries.defer("content").order_by("-id")[:FAILURES],
        "failed_requests": asked.order_by("-id")[:FAILURES],
    }
