"""Whether Slack hears us and lets us do what we do, for the doctor."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from incidents import signals
from incidents.chat.lanes import Later, Never
from incidents.models import Delivery
from incidents.models.delivery import QueuedState
from incidents.slack import names, scopes
from incidents.slack.client import is_on
from incidents.slack.models import SlackRequest
from incidents.slack.people import check_workspace
from telemetry.models import Heartbeat

LOOKED_BACK = timedelta(days=1)
SILENT_AFTER = timedelta(minutes=2)


def problem(now: datetime) -> tuple[str, str]:
    """What is wrong and what mends it; empty where nothing is, or where Slack is not used."""
    if not is_on():
        return "", ""
    try:
        workspace = check_workspace(now)
    except (Later, Never) as trouble:
        return str(trouble).rstrip("."), "Settings, Slack tells more."
    if lacking := scopes.missing(workspace.scopes):
        told = ", ".join(scope for scope, _ in lacking[:5])
        return f"lacks the scopes {told}", "Add them to the app and install it again; Settings, Slack has the manifest."
    if settings.SLACK_APP_TOKEN:
        beat = Heartbeat.objects.filter(name=names.HEARTBEAT).first()
        if beat is None or now - beat.at > SILENT_AFTER:
            return "is not heard: no Socket Mode connection", "Run manage.py slack_socket, and look at its log."
    if late := signals.untold(now):
        return f"was not told of {late} things", "Look at the worker's log; they are told again for a day."
    since = {"state": QueuedState.FAILED, "finished_at__gt": now - LOOKED_BACK}
    failed = Delivery.objects.filter(service=names.SERVICE, **since).count()
    failed += SlackRequest.objects.filter(**since).count()
    return (f"failed {failed} times within a day" if failed else ""), "Settings, Slack shows each with its reason."
