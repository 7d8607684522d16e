"""Alerts that were pushed, what became of each, and the rules that decide."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import can_administer, can_respond, require_administer, require_respond
from incidents.actions.alert import decide_mitigation, declare_alert
from incidents.actions.alert_rule import add_usual_rules, delete_rule, move_rule, save_rule
from incidents.alert_places import place_of
from incidents.forms import taken
from incidents.forms_alerts import AlertRuleForm
from incidents.listing import page_of
from incidents.models import AlertDeed, AlertRule, Incident, Severity
from incidents.views.access import deed, permitted, person, visible_incident
from telemetry.alerts.formats import FORMATS
from telemetry.models import Alert, Cluster, Source

SHOWN = {"firing": "Firing", "alone": "Without an incident", "": "All"}


@require_GET
def alert_list(request: HttpRequest) -> HttpResponse:
    chosen = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "show")}
    rows = _shown(request, chosen["q"], chosen["show"])
    context = {
        "page": page_of(request, rows, key="pk"),
        "chosen": chosen,
        "shows": SHOWN.items(),
        "narrowed": any(chosen.values()),
        "rules": _rules(),
        "sources": Source.objects.filter(kind__in=FORMATS),
        "now": timezone.now(),
        "can_respond": can_respond(request.user),
        "can_administer": can_administer(request.user),
    }
    return render(request, "incidents/alert_list.html", context)


def _rules() -> list[tuple[AlertRule, str]]:
    """Each with the severities that it opens: `SEV2 for critical, page; else SEV3`."""
    names = dict(Severity.objects.values_list("pk", "name"))
    found = []
    for rule in AlertRule.objects.select_related("severity", "source", "changed_by"):
        by_name: dict[str, list[str]] = {}
        for word, pk in rule.severities.items():
            if pk in names:
                by_name.setdefault(names[pk], []).append(word)
        told = [f"{name} for {', '.join(words)}" for name, words in sorted(by_name.items())]
        found.append((rule, "; ".join([*told, f"else {rule.severity.name}"] if told else [rule.severity.name])))
    return found


def _shown(request: HttpRequest, text: str, show: str) -> QuerySet[Alert]:
    """Without those that led to an incident which this person may not see."""
    hidden = AlertDeed.objects.exclude(pk__in=AlertDeed.objects.for_page(person(request)).values("pk"))
    rows = Alert.objects.exclude(pk__in=hidden.values("alert")).select_related(
        "source", "deed__rule", "deed__incident__severity"
    )
    if text:
        rows = rows.filter(Q(title__icontains=text) | Q(labels__icontains=text) | Q(annotations__icontains=text))
    if show == "firing":
        rows = rows.filter(status="firing")
    elif show == "alone":
        rows = rows.filter(Q(deed=None) | Q(deed__incident=None))
    return rows


@require_http_methods(["GET", "POST"])
@permitted
def rule_new(request: HttpRequest) -> HttpResponse:
    require_administer(request.user)
    return _rule(request, AlertRule())


@require_http_methods(["GET", "POST"])
@permitted
def rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    require_administer(request.user)
    return _rule(request, get_object_or_404(AlertRule, pk=pk))


def _rule(request: HttpRequest, rule: AlertRule) -> HttpResponse:
    form = AlertRuleForm(request.POST or None, instance=rule)
    stored = rule if rule.pk else None
    if request.method == "POST" and (
        saved := taken(
            form, lambda: save_rule(rule=stored, by=person(request), now=timezone.now(), **form.cleaned_data)
        )
    ):
        messages.success(request, f"{saved.name} is saved. It acts in your name.")
        return redirect("alert-list")
    context = {"form": form, "rule": stored}
    return render(request, "incidents/alert_rule_form.html", context, status=422 if form.errors else 200)


@require_POST
@permitted
def rules_usual(request: HttpRequest) -> HttpResponse:
    require_administer(request.user)
    added = add_usual_rules(by=person(request), now=timezone.now())
    messages.success(request, f"{len(added)} rules are added. They act in your name; change them as you like.")
    return redirect("alert-list")


@require_POST
@permitted
def rule_move(request: HttpRequest, pk: int) -> HttpResponse:
    require_administer(request.user)
    rule = get_object_or_404(AlertRule, pk=pk)
    move_rule(rule=rule, up=request.POST.get("to") == "up", by=person(request), now=timezone.now())
    return redirect(f"/alerts/#rule-{rule.pk}")


@require_POST
@permitted
def rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    require_administer(request.user)
    rule = get_object_or_404(AlertRule, pk=pk)
    delete_rule(rule=rule, by=person(request), now=timezone.now())
    messages.success(request, f"{rule.name} is removed. What it did stays done.")
    return redirect("alert-list")


@require_POST
@permitted
def alert_declare(request: HttpRequest, pk: int) -> HttpResponse:
    require_respond(request.user)
    me = person(request)
    alert = get_object_or_404(_shown(request, "", ""), pk=pk)
    known = getattr(alert, "deed", None)
    # Whose label is whose, a rule says; without one the usual names do.
    rule = (known.rule if known else None) or AlertRule()
    place = place_of(alert, rule, Cluster.objects.all())
    opened: list[Incident] = []
    act = lambda: opened.append(declare_alert(alert=alert, place=place, by=me, now=timezone.now()))  # noqa: E731
    answer = deed(request, act, done="", to="alert-list")
    return redirect(opened[0]) if opened else answer


@require_POST
@permitted
def incident_mitigation(request: HttpRequest, number: int) -> HttpResponse:
    require_respond(request.user)
    incident = visible_incident(request, number)
    accepted = request.POST.get("accepted") == "1"
    return deed(
        request,
        lambda: decide_mitigation(incident=incident, accepted=accepted, by=person(request), now=timezone.now()),
        done="Marked as mitigated since the alerts ended." if accepted else "Noted: not mitigated yet.",
        to=incident,
    )
