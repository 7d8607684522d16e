"""Signals that propose and declare: once for one thing, quiet for a while, never beside an open incident."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Role, User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.incident import change_status
from incidents.actions.signal import declare_proposal, dismiss_proposal
from incidents.alerting import covers, look
from incidents.models import Incident, IncidentProposal, SignalWatch
from incidents.models.incident import Status
from telemetry.models import ClusterEvent
from tests.builders import (
    NOW,
    make_cluster,
    make_cluster_event,
    make_incident,
    make_policy,
    make_proposal,
    make_snapshot,
)

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
POD = "checkout-5bbc75684d-flwhw"


def happens(at: datetime = NOW, **overrides: Any) -> ClusterEvent:
    fields: dict[str, Any] = {"signal": "crash-loop", "about_name": POD, "first_at": at, "last_at": at}
    return make_cluster_event(**(fields | {"updated_at": at, "received_at": at} | overrides))


def goes_on(at: datetime) -> None:
    for event in ClusterEvent.objects.all():
        ClusterEvent.objects.filter(uid=event.uid).update(last_at=at, updated_at=at, count=event.count + 1)


def only() -> IncidentProposal:
    return IncidentProposal.objects.get()


def test_without_a_policy_nothing_is_proposed() -> None:
    happens()
    make_policy(signal="oom-killed")
    make_policy(signal="crash-loop", action="none")
    assert look(NOW + MINUTE) == 0
    assert not IncidentProposal.objects.exists()


def test_a_hundred_alike_events_are_one_proposal_with_their_count() -> None:
    make_policy()
    for place in range(100):
        happens(NOW + place * timedelta(milliseconds=10), about_uid=f"pod-{place}")
    look(NOW + MINUTE / 4)
    look(NOW + MINUTE / 2)
    found = only()
    assert (found.signal, found.kind, found.namespace, found.name) == ("crash-loop", "Deployment", "shop", "checkout")
    assert (found.title, found.count, found.state) == ("Crash loop: checkout in shop", 100, "open")
    assert (found.first_at, found.last_at) == (NOW, NOW + timedelta(milliseconds=990))
    assert not Incident.objects.exists()


def test_what_goes_on_brings_the_open_proposal_up_to_date() -> None:
    make_policy()
    happens(count=3)
    look(NOW + MINUTE)
    goes_on(NOW + 2 * MINUTE)
    look(NOW + 3 * MINUTE)
    assert (only().count, only().last_at, only().first_at) == (4, NOW + 2 * MINUTE, NOW)


def test_a_policy_for_namespaces_leaves_the_others_alone_and_takes_nodes() -> None:
    make_policy(namespaces=["pay"])
    make_policy(signal="node-not-ready", namespaces=["pay"])
    happens()
    happens(signal="node-not-ready", about_kind="Node", about_name="node-1", about_namespace="", namespace="default")
    look(NOW + MINUTE)
    assert (only().title, only().namespace) == ("Node not ready: node-1 in prod-eu", "")


def test_what_was_last_seen_long_before_it_arrived_proposes_nothing() -> None:
    make_policy()
    happens(NOW - 31 * MINUTE, updated_at=NOW)
    look(NOW + MINUTE)
    assert not IncidentProposal.objects.exists()


@pytest.mark.parametrize("decide", ["dismiss", "declare"])
def test_a_decided_one_is_quiet_until_the_signal_was_away_for_the_quiet_period(ada: User, decide: str) -> None:
    make_policy(quiet_minutes=10)
    happens()
    look(NOW + MINUTE)
    if decide == "dismiss":
        dismiss_proposal(proposal=only(), by=ada, now=NOW + MINUTE, reason="A test of ours.")
    else:
        incident = declare_proposal(proposal=only(), by=ada, now=NOW + MINUTE)
        change_status(incident=incident, status=Status.RESOLVED, by=ada, now=NOW + 2 * MINUTE)
    for minutes in (9, 18, 27):
        goes_on(NOW + minutes * MINUTE)
        look(NOW + minutes * MINUTE + MINUTE)
        assert only().last_at == NOW + minutes * MINUTE
    goes_on(NOW + 38 * MINUTE)
    look(NOW + 39 * MINUTE)
    again = IncidentProposal.objects.open().get()
    assert again.first_at == NOW + 38 * MINUTE
    assert IncidentProposal.objects.count() == 2


def test_a_declared_incident_keeps_its_signal_quiet_for_as_long_as_it_is_open(ada: User) -> None:
    make_policy(quiet_minutes=1)
    happens()
    look(NOW + MINUTE)
    declare_proposal(proposal=only(), by=ada, now=NOW + MINUTE)
    goes_on(NOW + 60 * MINUTE)
    look(NOW + 61 * MINUTE)
    assert (only().state, only().last_at) == ("declared", NOW + 60 * MINUTE)


def test_an_open_incident_that_covers_the_place_is_joined_and_told(ada: User) -> None:
    make_policy()
    incident = make_incident(namespaces=["shop"])
    happens()
    look(NOW + MINUTE)
    goes_on(NOW + 2 * MINUTE)
    look(NOW + 3 * MINUTE)
    assert (only().state, only().incident) == ("joined", incident)
    line = incident.timeline.get(title="Signal: Crash loop")
    assert line.text.startswith("Crash loop: checkout in shop. Seen once since 06:38:12 UTC.")
    assert line.actor is None


def test_an_open_proposal_joins_the_incident_that_a_person_declares_there() -> None:
    make_policy()
    happens()
    look(NOW + MINUTE)
    incident = make_incident(now=NOW + MINUTE)
    look(NOW + 2 * MINUTE)
    assert (only().state, only().incident) == ("joined", incident)


CHECKOUT = {"kind": "Deployment", "namespace": "shop", "name": "checkout"}


@pytest.mark.parametrize(
    ("scope", "place", "held"),
    [
        ({"namespaces": []}, ("shop", "checkout"), False),
        ({"namespaces": ["shop"]}, ("shop", "checkout"), True),
        ({"namespaces": ["pay"]}, ("shop", "checkout"), False),
        ({"namespaces": ["shop"], "workloads": [CHECKOUT]}, ("shop", "checkout"), True),
        ({"namespaces": ["shop"], "workloads": [CHECKOUT]}, ("shop", "orders-db"), False),
        ({"namespaces": ["shop", "pay"], "workloads": [CHECKOUT]}, ("pay", "ledger"), True),
        ({"namespaces": [], "workloads": [CHECKOUT]}, ("shop", "checkout"), True),
        ({"namespaces": ["shop"]}, ("", "node-1"), False),
        ({"namespaces": [], "clusters": ["prod-eu"]}, ("", "node-1"), True),
        ({"namespaces": [], "clusters": ["prod-eu"]}, ("shop", "checkout"), True),
        ({"namespaces": [], "clusters": ["prod-us"]}, ("shop", "checkout"), False),
        ({"namespaces": ["shop"], "clusters": ["prod-us"]}, ("shop", "checkout"), False),
    ],
)
def test_a_scope_holds_what_it_names(scope: dict[str, Any], place: tuple[str, str], held: bool) -> None:
    clusters = {name: make_cluster(name=name) for name in ("prod-eu", "prod-us")}
    scope["clusters"] = [clusters[name] for name in scope.get("clusters", [])]
    incident = make_incident(**scope)
    assert covers(incident, cluster=clusters["prod-eu"].pk, namespace=place[0], name=place[1]) is held


def test_a_signal_declares_in_the_name_of_who_turned_it_on(root: User) -> None:
    make_policy(action="declare", severity="SEV2")
    happens(message="Back-off restarting failed container app", count=7)
    look(NOW + MINUTE)
    incident = Incident.objects.get()
    assert (incident.title, incident.severity.name) == ("Crash loop: checkout in shop", "SEV2")
    assert (incident.declared_by, incident.labels) == (root, ["signal:crash-loop"])
    assert (incident.namespaces, incident.workloads) == (["shop"], [CHECKOUT])
    assert [cluster.name for cluster in incident.clusters.all()] == ["prod-eu"]
    assert incident.milestone_times()["impact_started"] == NOW
    assert "A container ends again and again" in incident.summary
    assert incident.summary.endswith("\n\n    Back-off restarting failed container app")
    line = incident.timeline.get(title="Declared by the signal Crash loop")
    assert line.text.startswith("Root Admin turned this on under Signals. Seen 7 times since 06:38:12 UTC.")
    assert (only().state, only().incident, only().decided_by) == ("declared", incident, None)
    assert incident.collections.count() == 1
    assert AuditEvent.objects.get(verb="incident.declared").via == "signal"


def test_several_signals_of_one_workload_declare_one_incident() -> None:
    for signal in ("crash-loop", "probe-failed"):
        make_policy(signal=signal, action="declare")
        happens(signal=signal)
    look(NOW + MINUTE)
    assert Incident.objects.count() == 1
    assert set(IncidentProposal.objects.values_list("state", flat=True)) == {"declared", "joined"}


def test_a_cluster_that_falls_over_declares_three_incidents_and_proposes_the_rest() -> None:
    make_policy(action="declare")
    for place in range(5):
        happens(about_name=f"web{place}-5bbc75684d-flwhw")
    look(NOW + MINUTE)
    assert Incident.objects.count() == 3
    left = IncidentProposal.objects.open()
    assert left.count() == 2
    assert "3 incidents were declared by signals" in left[0].reason
    goes_on(NOW + 20 * MINUTE)
    look(NOW + 21 * MINUTE)
    assert Incident.objects.count() == 3


def test_who_may_not_declare_any_more_leaves_a_proposal(root: User) -> None:
    make_policy(action="declare")
    happens()
    User.objects.filter(pk=root.pk).update(role=Role.VIEWER)
    look(NOW + MINUTE)
    assert not Incident.objects.exists()
    assert only().state == "open"
    assert only().reason == "Root Admin, who turned declaring on, may not declare any more."


def test_odd_times_and_names_declare_all_the_same() -> None:
    make_policy(action="declare")
    happens(about_name="a" * 250, about_namespace="n" * 63, first_at=NOW - timedelta(days=30))
    happens(about_name="<b>x</b>", last_at=NOW + timedelta(hours=2), first_at=NOW + timedelta(hours=1))
    look(NOW + MINUTE)
    assert Incident.objects.count() == 2
    assert {incident.title for incident in Incident.objects.all()} == {
        "Crash loop: <b>x</b> in shop",
        f"Crash loop: {'a' * 250}"[:200],
    }
    for incident in Incident.objects.all():
        assert incident.milestone_times().get("impact_started", NOW) <= NOW + MINUTE


def test_a_state_alone_declares_too() -> None:
    make_policy(signal="failed-rollout", action="declare")
    make_snapshot(signals=["failed-rollout"])
    look(NOW + MINUTE)
    assert Incident.objects.get().title == "Rollout stuck: checkout in shop"


def test_a_second_look_at_the_same_does_nothing_twice() -> None:
    make_policy(action="declare")
    happens()
    for _ in range(3):
        look(NOW + MINUTE / 4)
    assert (Incident.objects.count(), IncidentProposal.objects.count()) == (1, 1)
    SignalWatch.objects.update(looked_until=NOW - 10 * MINUTE)
    look(NOW + MINUTE / 2)
    assert (Incident.objects.count(), IncidentProposal.objects.count(), only().count) == (1, 1, 1)


def test_a_look_that_failed_half_way_left_nothing_and_is_made_up_for() -> None:
    make_policy(action="declare")
    happens()
    with transaction.atomic():
        look(NOW + MINUTE)
        transaction.set_rollback(True)
    assert not Incident.objects.exists()
    look(NOW + 2 * MINUTE)
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_look_at_once_one_declares(committed: None) -> None:
    make_policy(action="declare")
    happens()
    look(NOW - MINUTE)
    start, looked = threading.Barrier(4), list[int]()

    def work() -> None:
        try:
            start.wait(10)
            looked.append(look(NOW + MINUTE))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(looked) == 4
    assert (Incident.objects.count(), IncidentProposal.objects.count()) == (1, 1)


def test_one_thing_has_one_open_proposal_in_the_database_too() -> None:
    make_proposal()
    make_proposal(state="dismissed")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_proposal()


def test_what_nobody_decided_and_nobody_saw_for_a_day_goes_away() -> None:
    make_proposal()
    look(NOW + timedelta(hours=23))
    assert only().is_open
    look(NOW + timedelta(hours=25))
    assert (only().state, only().reason) == ("dismissed", "Not seen for 24 hours.")


def test_declaring_twice_is_one_incident(ada: User) -> None:
    proposal = make_proposal()
    first = declare_proposal(proposal=proposal, by=ada, now=NOW)
    assert declare_proposal(proposal=proposal, by=ada, now=NOW) == first
    assert first.severity.name == "SEV3"
    line = first.timeline.get(title="Declared from a proposal: Crash loop")
    assert line.actor == ada


def test_a_decided_proposal_is_not_decided_otherwise(ada: User) -> None:
    proposal = make_proposal()
    dismiss_proposal(proposal=proposal, by=ada, now=NOW, reason=" Known. ")
    assert (only().reason, only().decided_by) == ("Known.", ada)
    with pytest.raises(InvalidInput, match="was dismissed"):
        declare_proposal(proposal=proposal, by=ada, now=NOW)
    other = make_proposal(name="web")
    declare_proposal(proposal=other, by=ada, now=NOW)
    with pytest.raises(InvalidInput, match="declared of it already"):
        dismiss_proposal(proposal=other, by=ada, now=NOW)


def test_viewers_decide_nothing_and_only_admins_save_policies(cy: User, ada: User) -> None:
    proposal = make_proposal()
    for act in (declare_proposal, dismiss_proposal):
        with pytest.raises(PermissionProblem):
            act(proposal=proposal, by=cy, now=NOW)
    with pytest.raises(PermissionProblem):
        make_policy(by=ada)


def test_a_saved_policy_stands_in_the_audit_trail(root: User) -> None:
    make_policy()
    make_policy(action="declare", namespaces=["shop"])
    row = AuditEvent.objects.filter(verb="signal.policy").latest("id")
    assert (row.actor, row.target) == (root, "crash-loop")
    assert row.detail == {
        "from": "propose",
        "to": "declare",
        "severity": "SEV3",
        "quiet_minutes": 60,
        "namespaces": ["shop"],
    }


def test_a_look_asks_the_same_number_of_questions_however_much_goes_on() -> None:
    make_policy()

    def queries(at: datetime) -> int:
        goes_on(at)
        with CaptureQueriesContext(connection) as asked:
            look(at + MINUTE / 4)
        return len([one for one in asked if one["sql"].startswith("SELECT") and "SAVEPOINT" not in one["sql"]])

    happens()
    look(NOW + MINUTE)
    few = queries(NOW + 2 * MINUTE)
    for place in range(30):
        happens(NOW + 3 * MINUTE, about_name=f"web{place}-5bbc75684d-flwhw")
    look(NOW + 4 * MINUTE)
    assert IncidentProposal.objects.count() == 31
    assert queries(NOW + 5 * MINUTE) == few


def test_a_place_that_no_incident_can_name_stays_a_proposal_that_says_why() -> None:
    make_policy(action="declare")
    happens(about_namespace="n" * 200)
    look(NOW + MINUTE)
    assert not Incident.objects.exists()
    assert only().is_open
    assert only().reason.startswith("It could not be declared by itself:")


def test_one_look_makes_at_most_two_hundred_proposals_and_the_next_goes_on() -> None:
    make_policy()
    for place in range(205):
        happens(about_name=f"web{place}-5bbc75684d-flwhw")
    look(NOW + MINUTE / 4)
    assert IncidentProposal.objects.count() == 200
    look(NOW + MINUTE / 2)
    assert IncidentProposal.objects.count() == 205
