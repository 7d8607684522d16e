"""The page of signals and the proposals on the first page: who sees what, who may do what, nothing runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.models import Incident, IncidentProposal, Severity, SignalPolicy
from telemetry.signals import RULES
from tests.builders import make_cluster_event, make_incident, make_person, make_policy, make_proposal

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def shown(client: Client, path: str = "/signals/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def form(**overrides: str) -> dict[str, str]:
    severity = str(Severity.objects.get(name="SEV2").pk)
    return {"action": "propose", "severity": severity, "quiet_minutes": "30", "namespaces": "shop, pay"} | overrides


def test_every_rule_says_what_it_matches_why_and_how_often(as_cy: Client) -> None:
    now = timezone.now()
    for place in range(3):
        make_cluster_event(signal="crash-loop", last_at=now - timedelta(hours=place * 11.9))
    page = shown(as_cy)
    for rule in RULES:
        assert f'id="{rule.name}"' in page
        assert rule.link in page
    assert '<a href="/events/?window=24h&amp;signal=crash-loop">3 Events in 24 h</a>' in page
    assert page.count("Does nothing") == len(RULES)
    assert "Change what it does" not in page


def test_an_admin_chooses_what_a_signal_does(as_root: Client, as_cy: Client) -> None:
    answer = as_root.post("/signals/crash-loop/", form())
    assert (answer.status_code, answer.url) == (302, "/signals/#crash-loop")
    policy = SignalPolicy.objects.get()
    assert (policy.signal, policy.action, policy.severity.name) == ("crash-loop", "propose", "SEV2")
    assert (policy.quiet_minutes, policy.namespaces, policy.changed_by.username) == (30, ["shop", "pay"], "root")
    assert "Proposes SEV2 in shop, pay" in shown(as_cy)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"quiet_minutes": "0"}, "greater than or equal to 1"),
        ({"quiet_minutes": "99999"}, "less than or equal to 10080"),
        ({"quiet_minutes": "9" * 400}, "Quiet period in minutes"),
        ({"action": "explode"}, "Select a valid choice"),
        ({"severity": "999"}, "Select a valid choice"),
        ({"severity": ""}, "This field is required"),
        ({"namespaces": HOSTILE}, "is no such name"),
    ],
)
def test_a_refused_policy_names_the_field_and_keeps_what_was_typed(
    as_root: Client, typed: dict[str, str], words: str
) -> None:
    answer = as_root.post("/signals/crash-loop/", form(**typed))
    page = answer.content.decode()
    (field,) = typed
    assert answer.status_code == 422
    assert f'<a href="#crash-loop-{field}">' in page
    assert words in page
    assert HOSTILE not in page
    assert not SignalPolicy.objects.exists()


def test_only_admins_change_policies_and_only_of_known_signals(as_ada: Client, as_root: Client) -> None:
    assert as_ada.post("/signals/crash-loop/", form()).status_code == 403
    assert as_root.post("/signals/nonsense/", form()).status_code == 404


def test_a_responder_declares_a_proposal_in_one_press(as_ada: Client) -> None:
    proposal = make_proposal()
    assert "Proposed incidents" in shown(as_ada, "/")
    severity = Severity.objects.get(name="SEV1")
    answer = as_ada.post(f"/signals/proposals/{proposal.pk}/declare/", {"severity": severity.pk})
    incident = Incident.objects.get()
    assert (answer.status_code, answer.url) == (302, incident.get_absolute_url())
    assert (incident.severity, incident.declared_by.username) == (severity, "ada")
    assert "Proposed incidents" not in shown(as_ada, "/")
    assert as_ada.post(f"/signals/proposals/{proposal.pk}/declare/").url == incident.get_absolute_url()
    assert Incident.objects.count() == 1


def test_the_severity_is_the_policys_unless_another_is_chosen(as_ada: Client) -> None:
    make_policy(severity="SEV2")
    proposal = make_proposal()
    chosen = Severity.objects.get(name="SEV2")
    assert f'<option value="{chosen.pk}" selected>SEV2</option>' in shown(as_ada, "/")
    as_ada.post(f"/signals/proposals/{proposal.pk}/declare/", {"severity": "nonsense"})
    assert Incident.objects.get().severity == chosen


def test_a_responder_dismisses_a_proposal_with_or_without_a_reason(as_ada: Client) -> None:
    first, second = make_proposal(), make_proposal(name="web", title="Crash loop: web in shop")
    answer = as_ada.post(f"/signals/proposals/{first.pk}/dismiss/", {"reason": "A load test."})
    assert answer.url == "/signals/"
    assert as_ada.post(f"/signals/proposals/{second.pk}/dismiss/", {"back": "home"}).url == "/"
    assert set(IncidentProposal.objects.values_list("state", "reason")) == {
        ("dismissed", "A load test."),
        ("dismissed", ""),
    }
    assert "Dismissed by Ada Okafor. A load test." in shown(as_ada)


def test_a_viewer_sees_proposals_and_decides_nothing(as_cy: Client) -> None:
    proposal = make_proposal()
    for path in ("/", "/signals/"):
        page = shown(as_cy, path)
        assert "Crash loop: checkout in shop" in page
        assert '/declare/"' not in page.replace("/incidents/declare/", "")
    for deed in ("declare", "dismiss"):
        assert as_cy.post(f"/signals/proposals/{proposal.pk}/{deed}/").status_code == 403
    assert IncidentProposal.objects.get().is_open


def test_without_a_proposal_the_first_page_says_nothing_of_them(as_ada: Client) -> None:
    make_proposal(state="dismissed", decided_at=timezone.now())
    assert "Proposed incidents" not in shown(as_ada, "/")


def test_a_restricted_incident_stays_unnamed_among_what_was_decided(as_cy: Client, as_ada: Client) -> None:
    secret = make_incident(visibility="restricted", title="Nobody may know")
    proposal = make_proposal(state="joined", incident=secret, decided_at=timezone.now(), title="Hidden thing")
    assert "Hidden thing" not in shown(as_cy)
    assert "INC-1" in shown(as_ada)
    client = Client()
    client.force_login(make_person("ben"))
    assert client.post(f"/signals/proposals/{proposal.pk}/declare/").status_code == 404


def test_hostile_names_and_messages_are_text(as_ada: Client, as_root: Client) -> None:
    make_proposal(title=HOSTILE, name=HOSTILE, words=HOSTILE, namespace='"><u>', signal="<i>", reason=HOSTILE)
    make_proposal(title=HOSTILE, state="dismissed", reason=HOSTILE, decided_at=timezone.now(), signal="'\"")
    for client in (as_ada, as_root):
        for path in ("/", "/signals/"):
            page = shown(client, path)
            assert "<script>alert" not in page
            assert "<img src=x" not in page
            assert '"><u>' not in page


def test_whoever_lost_the_right_to_declare_is_named(as_cy: Client) -> None:
    policy = make_policy(action="declare")
    assert "Declares SEV3" in shown(as_cy)
    policy.changed_by.role = "viewer"
    policy.changed_by.save()
    assert "Root Admin, who turned declaring on, may not declare" in shown(as_cy)


def test_the_pages_ask_the_same_number_of_questions_however_much_is_proposed(as_root: Client) -> None:
    def queries(path: str) -> int:
        shown(as_root, path)
        with CaptureQueriesContext(connection) as asked:
            shown(as_root, path)
        return len(asked)

    def fill(first: int, last: int) -> None:
        for place in range(first, last):
            incident = make_incident()
            make_proposal(name=f"web-{place}")
            make_proposal(name=f"web-{place}", state="joined", incident=incident, decided_at=timezone.now())
            make_cluster_event(signal=RULES[place % len(RULES)].name, last_at=timezone.now())

    make_policy()
    fill(0, 2)
    few = {path: queries(path) for path in ("/", "/signals/")}
    for rule in RULES:
        make_policy(signal=rule.name)
    fill(2, 20)
    assert {path: queries(path) for path in few} == few


def test_events_and_sources_lead_to_the_signals(as_cy: Client) -> None:
    for path in ("/events/", "/sources/"):
        if path == "/sources/":
            make_proposal()
        assert 'href="/signals/"' in shown(as_cy, path)


def test_of_many_proposals_the_newest_are_shown_with_how_many_there_are(as_cy: Client) -> None:
    for place in range(25):
        make_proposal(name=f"web-{place}")
    for path in ("/", "/signals/"):
        assert "20 of 25</span>" in shown(as_cy, path)
