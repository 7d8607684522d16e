"""A follow-up with a check: proposed as done when it passes, reopened when it fails again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.problems import InvalidInput
from incidents.actions.followup import change_followup
from incidents.models import FollowUp, Notice
from knowledge.actions.followup_check import (
    accept_followup_check,
    decline_followup_check,
    set_followup_check,
)
from knowledge.checking import followups
from knowledge.checks import FAIL, PASS, UNKNOWN, Finding
from knowledge.models import FollowUpCheck
from knowledge.tasks.checking import check_followup
from tests.builders import NOW, make_followup, make_person
from tests.knowledge.checks.judged import connect
from tests.stand_ins.kubernetes import KubernetesStandIn

pytestmark = pytest.mark.django_db


def watched() -> FollowUpCheck:
    """Of checkout's replicas, for a follow-up that Ben owns."""
    followup = make_followup(owner=make_person("ben"))
    target = {"namespace": "shop", "workload_kind": "Deployment", "workload_name": "checkout"}
    return set_followup_check(followup=followup, check_name="replicas", by=make_person("ada"), now=NOW, **target)


def after(check: FollowUpCheck, *verdicts: str) -> FollowUpCheck:
    for place, verdict in enumerate(verdicts):
        check = followups.write(check, Finding(verdict, f"It is {verdict}."), NOW + timedelta(minutes=place))
    return check


def story(check: FollowUpCheck) -> list[str]:
    return [one.led_to or one.verdict for one in check.records.order_by("id")]


def test_from_a_failing_cluster_to_done_and_back_again() -> None:
    with KubernetesStandIn() as server:
        connect(server)
        check, ada = watched(), make_person("ada")
        check_followup(check.pk)
        check.refresh_from_db()
        assert (check.state, check.verdict) == ("watching", "fail")
        server.edit("deployments", lambda items: [one["status"].update(readyReplicas=3) for one in items])
        assert followups.queue_due(check.next_at) == [check.pk]
        check_followup(check.pk)
        check.refresh_from_db()
        assert (check.state, check.followup.status) == ("proposed", "open")
        accept_followup_check(check=check, by=ada, now=NOW)
        server.edit("deployments", lambda items: [one["status"].update(readyReplicas=1) for one in items])
        assert FollowUp.objects.get().status == "done"
        check.refresh_from_db()
        followups.queue_due(check.next_at)
        check_followup(check.pk)
    followup = FollowUp.objects.get()
    assert (followup.status, followup.ended_at) == ("open", None)
    assert story(check) == ["fail", "proposed as done", "accepted as done", "reopened"]


def test_unknown_changes_nothing_but_the_words() -> None:
    check = after(watched(), FAIL, PASS, UNKNOWN)
    assert (check.state, check.followup.status, check.verdict_reason) == ("proposed", "open", "It is unknown.")
    check = after(check, FAIL)
    assert (check.state, story(check)[-1]) == ("watching", "no longer proposed")


def test_a_declined_proposal_comes_back_only_after_it_failed() -> None:
    check, ada = after(watched(), PASS), make_person("ada")
    with pytest.raises(InvalidInput, match="say why it is not done"):
        decline_followup_check(check=check, reason=" ", by=ada, now=NOW)
    check = decline_followup_check(check=check, reason="Only one of two clusters.", by=ada, now=NOW)
    assert after(check, PASS).state == "declined"
    assert after(check, FAIL, PASS).state == "proposed"
    with pytest.raises(InvalidInput, match="not proposed"):
        accept_followup_check(check=watched(), by=ada, now=NOW)


def test_a_follow_up_done_by_hand_is_held_to_its_check_and_one_not_done_is_left() -> None:
    check, ada = watched(), make_person("ada")
    change_followup(followup=check.followup, by=ada, now=NOW, status="done")
    assert after(check, FAIL).followup.__class__.objects.get().status == "open"
    change_followup(followup=check.followup, by=ada, now=NOW, status="not_doing", reason="Retired.")
    after(check, FAIL)
    assert FollowUp.objects.get().status == "not_doing"
    assert followups.queue_due(NOW + timedelta(days=9)) == []


def test_what_a_person_reopened_is_proposed_again(as_ada: Client) -> None:
    check, ada = after(watched(), PASS), make_person("ada")
    accept_followup_check(check=check, by=ada, now=NOW)
    assert after(check, PASS).state == "accepted"
    change_followup(followup=check.followup, by=ada, now=NOW, status="open")
    assert after(check, PASS).state == "proposed"
    change_followup(followup=check.followup, by=ada, now=NOW, status="done")
    assert after(check, PASS).state == "accepted"


def test_what_is_not_done_is_neither_proposed_nor_reopened() -> None:
    check, ada = watched(), make_person("ada")
    change_followup(followup=check.followup, by=ada, now=NOW, status="not_doing", reason="Retired.")
    assert (after(check, PASS).state, FollowUp.objects.get().status) == ("watching", "not_doing")


def test_a_first_failure_of_what_is_done_is_no_failure_again_and_is_written_down() -> None:
    check = watched()
    change_followup(followup=check.followup, by=make_person("ada"), now=NOW, status="done")
    after(check, FAIL)
    assert "fails its check and is open" in Notice.objects.get(person=make_person("ben")).text
    event = AuditEvent.objects.get(verb="followup.reopened")
    assert (event.actor, event.detail["reason"]) == (None, "It is fail.")


def test_a_check_whose_worker_dies_is_unknown_until_its_next_time() -> None:
    check = watched()
    assert followups.claim(check.pk, NOW) is not None
    later = NOW + followups.LEASE * 2
    assert (followups.claim(check.pk, later), followups.forgotten(later)) == (None, [])
    assert followups.give_up(later) == 1
    check.refresh_from_db()
    assert (check.verdict, check.verdict_reason) == ("unknown", "The worker ended before this was checked.")
    assert followups.queue_due(later) == []
    assert followups.queue_due(check.next_at) == [check.pk]


def test_its_owner_is_told_of_a_proposal_and_of_a_reopening() -> None:
    check, ada = after(watched(), PASS), make_person("ada")
    accept_followup_check(check=check, by=ada, now=NOW)
    after(check, PASS, FAIL)
    texts = list(Notice.objects.filter(person=make_person("ben")).order_by("pk").values_list("text", flat=True))
    assert [("proposed as done" in texts[0]), ("fails its check again" in texts[1])] == [True, True]


def test_a_check_is_given_and_answered_on_the_pages(as_ada: Client) -> None:
    followup = make_followup()
    address = f"/follow-ups/{followup.number}/check/"
    assert as_ada.get(address).status_code == 200
    refused = as_ada.post(address, {"check_name": "replicas", "params": "least: none", "namespace": "shop"})
    assert refused.status_code == 422
    as_ada.post(address, {"check_name": "replicas", "params": "least: 3", "namespace": "shop"})
    check = FollowUpCheck.objects.get()
    assert (check.params, check.namespace) == ({"least": 3}, "shop")
    after(check, PASS)
    assert "Proposed as done" in as_ada.get(followup.get_absolute_url()).content.decode()
    as_ada.post(f"{address}deed/", {"deed": "accept"})
    followup.refresh_from_db()
    assert followup.status == "done"
    as_ada.post(f"{address}deed/", {"deed": "remove"})
    assert not FollowUpCheck.objects.exists()
