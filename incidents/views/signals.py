"""Signals: the rules, how often each matched, what is done then, and the incidents that they propose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import can_administer, can_respond, require_administer, require_respond
from accounts.problems import InvalidInput
from incidents.actions.signal import declare_proposal, dismiss_proposal, save_policy
from incidents.forms import PolicyForm, taken
from incidents.models import IncidentProposal, Severity, SignalPolicy
from incidents.proposals import open_proposals
from incidents.views.access import deed, permitted, person, said
from telemetry.sightings import counted
from telemetry.signals import BY_NAME, RULES, Rule

LATELY = 10


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule, its Events of the last 24 hours, its policy and, for admins, the form to change it."""

    rule: Rule
    count: int
    policy: SignalPolicy | None
    form: PolicyForm | None

    @property
    def is_on(self) -> bool:
        return self.policy is not None and self.policy.action != SignalPolicy.Action.NONE

    @property
    def is_powerless(self) -> bool:
        """Whether it is to declare in the name of somebody who may not."""
        declares = self.policy is not None and self.policy.action == SignalPolicy.Action.DECLARE
        return declares and self.policy is not None and not can_respond(self.policy.changed_by)


@require_GET
def signal_list(request: HttpRequest) -> HttpResponse:
    return _page(request)


def _page(request: HttpRequest, refused: PolicyForm | None = None) -> HttpResponse:
    now, me = timezone.now(), person(request)
    decided = IncidentProposal.objects.exclude(state=IncidentProposal.State.OPEN).for_page(me)
    context: dict[str, Any] = {
        "now": now,
        "rows": _rules(refused, with_forms=can_administer(me), counts=counted(now - timedelta(hours=24))),
        "proposals": open_proposals(me),
        "decided": decided[:LATELY],
        "refused": refused,
        "can_respond": can_respond(me),
        "can_administer": can_administer(me),
    }
    return render(request, "incidents/signal_list.html", context, status=422 if refused else 200)


def _rules(refused: PolicyForm | None, *, with_forms: bool, counts: dict[str, int]) -> list[RuleRow]:
    policies = {one.signal: one for one in SignalPolicy.objects.select_related("severity", "changed_by")}
    severities = list(Severity.objects.all()) if with_forms else []
    rows = []
    for rule in RULES:
        policy, form = policies.get(rule.name), None
        if with_forms:
            form = refused if refused and refused.signal == rule.name else _form(rule.name, policy, severities)
        rows.append(RuleRow(rule, counts.get(rule.name, 0), policy, form))
    return rows


def _form(signal: str, policy: SignalPolicy | None, severities: list[Severity], data: Any = None) -> PolicyForm:
    initial: dict[str, Any] = {"severity": getattr(Severity.usual(severities), "pk", None)}
    if policy is not None:
        names = ("action", "quiet_minutes", "namespaces")
        initial = {name: getattr(policy, name) for name in names} | {"severity": policy.severity_id}
    return PolicyForm(data, signal=signal, severities=severities, initial=initial)


@require_POST
@permitted
def signal_policy(request: HttpRequest, name: str) -> HttpResponse:
    """A refused form comes back in its place with what was typed."""
    require_administer(request.user)
    if name not in BY_NAME:
        raise Http404("There is no such signal.")
    form = _form(name, None, list(Severity.objects.all()), request.POST)
    if saved := taken(
        form, lambda: save_policy(signal=name, by=person(request), now=timezone.now(), **form.cleaned_data)
    ):
        messages.success(request, f"{BY_NAME[name].label}: {saved.get_action_display().lower()}.")
        return redirect(f"/signals/#{name}")
    return _page(request, form)


@require_POST
@permitted
def proposal_declare(request: HttpRequest, pk: int) -> HttpResponse:
    require_respond(request.user)
    proposal, me = _proposal(request, pk), person(request)
    wanted = request.POST.get("severity", "")
    known = wanted.isascii() and wanted.isdigit() and len(wanted) < 9
    severity = Severity.objects.filter(pk=int(wanted)).first() if known else None
    try:
        incident = declare_proposal(proposal=proposal, severity=severity, by=me, now=timezone.now())
    except InvalidInput as problem:
        messages.error(request, f"Not declared. {said(problem)}")
        return redirect("signal-list")
    messages.success(request, f"{incident.key} is declared; its evidence is on the way.")
    return redirect(incident)


@require_POST
@permitted
def proposal_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    require_respond(request.user)
    proposal, reason = _proposal(request, pk), request.POST.get("reason", "")
    to = "home" if request.POST.get("back") == "home" else "signal-list"

    def act() -> None:
        dismiss_proposal(proposal=proposal, reason=reason, by=person(request), now=timezone.now())

    return deed(request, act, done="Dismissed. It stays quiet until the signal was away for a while.", to=to)


def _proposal(request: HttpRequest, pk: int) -> IncidentProposal:
    return get_object_or_404(IncidentProposal.objects.for_page(person(request)), pk=pk)
