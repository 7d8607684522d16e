"""Merging a duplicate: what moves, what stays, who may, and how it is undone."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.alert import note_deed
from incidents.actions.merge import merge_incident, undo_merge
from incidents.models import AlertDeed, Incident
from tests.builders import NOW, make_alert, make_evidence, make_followup, make_incident, make_person
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(ada: User) -> tuple[Incident, Incident]:
    """A duplicate with a follow-up, an alert, evidence and a wider scope; and the one that it belongs to."""
    copy = make_incident(title="Cart is empty", services=["cart"], namespaces=["shop", "cart"])
    make_followup(copy, title="Watch the cache")
    make_evidence(copy)
    note_deed(alert=make_alert(), rule=None, outcome=AlertDeed.Outcome.OPENED, now=NOW, incident=copy)
    return copy, make_incident(title="Checkout is down", services=["checkout"])


def test_a_merged_incident_keeps_its_page_and_gives_away_what_goes_on(
    pair: tuple[Incident, Incident], as_ada: Client, ada: User
) -> None:
    copy, original = pair
    as_ada.post(f"/incidents/{copy.number}/merge/", {"into": original.key, "reason": "One cache"})
    copy.refresh_from_db()
    original.refresh_from_db()
    assert (copy.status, copy.closure_reason, copy.duplicate_of) == ("closed", "duplicate", original)
    assert original.followups.get().title == "Watch the cache"
    assert original.alert_deeds.count() == 1
    assert (original.services, original.namespaces) == (["checkout", "cart"], ["shop", "cart"])
    assert copy.evidence.count() == 1
    shown = as_ada.get(f"/incidents/{copy.number}/").content.decode()
    assert "Merged into" in shown
    assert "Ada Okafor" in shown
    assert "One cache" in shown
    assert as_ada.get(f"/incidents/{copy.number}/evidence/1/").status_code == 200
    assert "was merged into this one" in as_ada.get(f"/incidents/{original.number}/").content.decode()
    assert AuditEvent.objects.filter(verb="incident.merged", actor=ada, target=copy.key).exists()


def test_undone_everything_is_as_it_was(pair: tuple[Incident, Incident], as_ada: Client, ada: User) -> None:
    copy, original = pair
    merge = merge_incident(incident=copy, into=original, by=ada, now=NOW)
    as_ada.post(f"/incidents/{copy.number}/unmerge/")
    copy.refresh_from_db()
    original.refresh_from_db()
    merge.refresh_from_db()
    assert (copy.status, copy.closure_reason, copy.duplicate_of) == ("investigating", "", None)
    assert copy.followups.count() == 1
    assert copy.alert_deeds.count() == 1
    assert (original.services, original.namespaces) == (["checkout"], ["shop"])
    assert merge.undone_by == ada
    assert undo_merge(merge=merge, by=ada, now=NOW) == copy
    merge_incident(incident=copy, into=original, by=ada, now=NOW)
    assert copy.merges.count() == 2


def test_one_that_was_closed_before_is_closed_again_as_before(ada: User) -> None:
    copy, original = make_incident(), make_incident()
    Incident.objects.filter(pk=copy.pk).update(status="closed", closure_reason="false_positive")
    merge = merge_incident(incident=copy, into=original, by=ada, now=NOW)
    undo_merge(merge=merge, by=ada, now=NOW)
    copy.refresh_from_db()
    assert (copy.status, copy.closure_reason, copy.duplicate_of) == ("closed", "false_positive", None)


def test_what_cannot_be_merged_is_refused_by_name(ada: User) -> None:
    one, two, hidden = make_incident(), make_incident(), make_incident(visibility="restricted")
    for incident, into in ((one, one), (one, hidden), (hidden, one)):
        with pytest.raises(InvalidInput) as refused:
            merge_incident(incident=incident, into=into, by=ada, now=NOW)
        assert "into" in refused.value.errors
    merge_incident(incident=one, into=two, by=ada, now=NOW)
    for incident, into in ((one, make_incident()), (make_incident(), one)):
        with pytest.raises(InvalidInput):
            merge_incident(incident=incident, into=into, by=ada, now=NOW)
    with pytest.raises(PermissionProblem):
        merge_incident(incident=two, into=make_incident(), by=make_person("cy"), now=NOW)


def test_nobody_merges_into_what_they_may_not_see(as_ada: Client) -> None:
    copy, hidden = make_incident(), make_incident(visibility="restricted", by=make_person("ben"))
    answer = as_ada.post(f"/incidents/{copy.number}/merge/", {"into": hidden.key}, follow=True)
    assert "names no incident that you may see" in answer.content.decode()
    assert as_ada.post(f"/incidents/{hidden.number}/merge/", {"into": copy.key}).status_code == 404
    copy.refresh_from_db()
    assert copy.status == "investigating"


def test_programs_merge_and_undo(pair: tuple[Incident, Incident], as_ada: Client, cy: User) -> None:
    copy, original = pair
    address = f"/api/v1/incidents/{copy.number}/merges/"
    answer = as_ada.post(address, {"into": original.number, "reason": "Same"}, content_type="application/json")
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert (row["incident"], row["into"], row["reason"]) == (copy.number, original.number, "Same")
    assert signed_in(cy).delete(f"{address}{row['id']}/").status_code == 403
    assert as_ada.delete(f"{address}{row['id']}/").status_code == 204
    copy.refresh_from_db()
    assert copy.status == "investigating"


def test_what_is_about_everything_is_narrowed_by_no_merge(ada: User) -> None:
    wide, narrow = make_incident(namespaces=[]), make_incident(namespaces=["shop"])
    merge = merge_incident(incident=narrow, into=wide, by=ada, now=NOW)
    wide.refresh_from_db()
    assert wide.namespaces == []
    undo_merge(merge=merge, by=ada, now=NOW)
    narrow.refresh_from_db()
    merge = merge_incident(incident=wide, into=narrow, by=ada, now=NOW)
    narrow.refresh_from_db()
    assert narrow.namespaces == []
    undo_merge(merge=merge, by=ada, now=NOW)
    narrow.refresh_from_db()
    assert narrow.namespaces == ["shop"]


def test_undoing_one_of_two_merges_keeps_what_the_other_brought(ada: User) -> None:
    first, second = make_incident(services=["x"]), make_incident(services=["x"])
    into = make_incident(services=["y"])
    merge = merge_incident(incident=first, into=into, by=ada, now=NOW)
    merge_incident(incident=second, into=into, by=ada, now=NOW)
    undo_merge(merge=merge, by=ada, now=NOW)
    into.refresh_from_db()
    assert into.services == ["y", "x"]


def test_a_chain_is_undone_from_its_end(ada: User) -> None:
    first, second, third = make_incident(), make_incident(), make_incident()
    make_followup(first, title="Of the first")
    merge = merge_incident(incident=first, into=second, by=ada, now=NOW)
    later = merge_incident(incident=second, into=third, by=ada, now=NOW)
    with pytest.raises(InvalidInput, match="undo that first"):
        undo_merge(merge=merge, by=ada, now=NOW)
    undo_merge(merge=later, by=ada, now=NOW)
    undo_merge(merge=merge, by=ada, now=NOW)
    assert first.followups.count() == 1


def test_a_duplicate_closed_by_hand_stays_what_it_was(ada: User) -> None:
    copy, original, into = make_incident(), make_incident(), make_incident()
    Incident.objects.filter(pk=copy.pk).update(status="closed", closure_reason="duplicate", duplicate_of=original)
    undo_merge(merge=merge_incident(incident=copy, into=into, by=ada, now=NOW), by=ada, now=NOW)
    copy.refresh_from_db()
    assert (copy.status, copy.closure_reason, copy.duplicate_of) == ("closed", "duplicate", original)


def test_a_drill_is_merged_into_no_real_incident(ada: User) -> None:
    with pytest.raises(InvalidInput, match="of its own kind"):
        merge_incident(incident=make_incident(kind="drill"), into=make_incident(), by=ada, now=NOW)


def test_what_was_restricted_after_the_merge_is_not_named(pair: tuple[Incident, Incident], ada: User, cy: User) -> None:
    copy, original = pair
    merge_incident(incident=copy, into=original, by=ada, now=NOW)
    Incident.objects.filter(pk=original.pk).update(visibility="restricted")
    shown = signed_in(cy).get(f"/incidents/{copy.number}/").content.decode()
    assert "Merged into another incident, which is restricted" in shown
    assert "Checkout is down" not in shown
    assert signed_in(make_person("ben")).post(f"/incidents/{copy.number}/unmerge/").status_code == 404
