"""How the recording goes, as people see it: on Sources, on Home, in the doctor; and who switches it."""

from __future__ import annotations

import contextlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from telemetry.models import Cluster, Heartbeat, Recording, Source
from telemetry.recorder.permissions import cluster_role
from telemetry.recorder.resources import RECORDED
from tests.api.test_query_counts import queries_of
from tests.builders import make_cluster, make_gap, make_recording
from tests.stand_ins.kubernetes import KubernetesStandIn

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs" / "using" / "sources.md"


def beat(seconds_ago: float = 0) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Heartbeat.objects.update_or_create(name="recorder", defaults={"at": at})


def heard(seconds_ago: float = 1, **overrides: Any) -> Recording:
    """A recording of the last two hours, in a process that lives."""
    now = timezone.now()
    times = {"since": now - timedelta(hours=2), "heard_at": now - timedelta(seconds=seconds_ago)}
    return make_recording(**(times | overrides))


def long_connected() -> None:
    Cluster.objects.filter(pk=make_cluster().pk).update(created_at=timezone.now() - timedelta(minutes=3))


def text_of(client: Client, path: str) -> str:
    return str(client.get(path).content.decode())


def doctor() -> str:
    out = io.StringIO()
    with contextlib.suppress(SystemExit):
        call_command("doctor", only="recorder", stdout=out)
    return out.getvalue()


def test_a_recorder_that_hears_is_no_news(as_cy: Client) -> None:
    beat()
    heard()
    assert "note is-bad" not in text_of(as_cy, "/sources/")
    assert "not heard" not in text_of(as_cy, "/")
    assert doctor().split() == ["recorder", "ok"]


def never_heard(state: str) -> Recording:
    """Asked for again and again since it was connected, without an answer of use."""
    cluster = Cluster.objects.get(name="prod-eu")
    return Recording.objects.create(cluster=cluster, resource="events", state=state, updated_at=timezone.now())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: make_cluster(), "The recorder has not been heard of."),
        (lambda: (heard(), beat(31)), "The recorder is silent."),
        (lambda: (heard(121), beat()), "prod-eu is not heard."),
        (lambda: (long_connected(), beat()), "prod-eu is not recorded yet."),
        (lambda: (long_connected(), never_heard("waiting"), beat()), "prod-eu is not heard."),
        (lambda: (long_connected(), never_heard("not_installed"), beat()), "prod-eu is not heard."),
        (lambda: (heard(state="denied", heard_at=None, since=None), beat()), "prod-eu is not recorded."),
        (
            lambda: (heard(), make_recording(resource="pods", state="denied", heard_at=None), beat()),
            "prod-eu is recorded in part.",
        ),
    ],
)
def test_what_stopped_is_a_banner_a_word_on_home_and_a_line_of_the_doctor(as_cy: Client, make: Any, words: str) -> None:
    make()
    page = text_of(as_cy, "/sources/")
    assert 0 < page.index(words) < page.index("recorded all the time")
    assert words in text_of(as_cy, "/")
    assert words.rstrip(".") in doctor()


@pytest.mark.parametrize(
    "make",
    [
        lambda: None,
        lambda: Cluster.objects.filter(pk=make_cluster().pk).update(recorded=False),
        lambda: (make_cluster(), Source.objects.update(enabled=False)),
        lambda: (heard(), make_recording(resource="velero.io/backups", state="denied", heard_at=None), beat()),
        lambda: (heard(), make_recording(resource="velero.io/backups", state="not_installed", heard_at=None), beat()),
    ],
    ids=["no cluster", "switched off", "source switched off", "optional denied", "optional not installed"],
)
def test_what_nobody_asked_for_is_no_news(as_cy: Client, make: Any) -> None:
    make()
    assert "is-bad" not in text_of(as_cy, "/sources/")
    assert doctor().split() == ["recorder", "ok"]


def test_each_resource_tells_state_lag_rate_and_counters(as_cy: Client) -> None:
    beat()
    row = heard(lag_seconds=0.6, per_minute=7.52, received=1200, stored=1100, dropped=7, reconnects=3)
    heard(resource="pods", cluster=row.cluster)
    page = text_of(as_cy, "/sources/")
    for part in ("Recording", "600 ms", "7.5", "1,100", "of 1,200", "led by recorder-1", "1 more resource"):
        assert part in page


def test_the_coverage_of_a_day_is_drawn_with_its_gaps_in_words(as_cy: Client) -> None:
    beat()
    row, now = heard(), timezone.now()
    make_gap(cluster=row.cluster, started_at=now - timedelta(minutes=40), ended_at=now - timedelta(minutes=39))
    make_gap(cluster=row.cluster, started_at=now - timedelta(days=3), ended_at=now - timedelta(days=2))
    page = text_of(as_cy, "/sources/")
    assert "1 gap, 1 min; the cluster no longer had what changed meanwhile" in page
    assert page.count('class="bar-b"') == 1
    assert 'aria-label="recorded ' in page


def test_a_denied_resource_shows_the_missing_rule_to_copy(as_cy: Client) -> None:
    beat()
    rule = '- apiGroups: [""]\n  resources: ["pods"]'
    heard()
    make_recording(resource="pods", state="denied", reason="pods is <b>forbidden</b>", remedy=rule, heard_at=None)
    page = text_of(as_cy, "/sources/")
    assert "apiGroups: [&quot;&quot;]" in page
    assert "pods is &lt;b&gt;forbidden" in page
    assert "data-copy-from" in page


def test_sources_asks_the_same_of_one_resource_and_of_many(as_cy: Client) -> None:
    beat()
    row = heard()
    few = queries_of(lambda: as_cy.get("/sources/"))
    for place in range(20):
        heard(resource=f"resource-{place}", cluster=row.cluster)
        make_gap(cluster=row.cluster, resource=f"resource-{place}", ended_at=timezone.now())
    assert queries_of(lambda: as_cy.get("/sources/")) == few


def test_an_admin_switches_recording_off_and_on(as_root: Client, as_ada: Client) -> None:
    cluster = make_cluster()
    address = f"/sources/clusters/{cluster.pk}/recorded/"
    assert as_ada.post(address, {"recorded": "0"}).status_code == 403
    page = as_root.post(address, {"recorded": "0"}, follow=True).content.decode()
    assert "no longer recorded. What is archived stays." in page
    assert "Not recorded: an admin switched it off" in page
    as_root.post(address, {"recorded": "1"})
    cluster.refresh_from_db()
    assert cluster.recorded
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs[-2:] == ["cluster.recording_off", "cluster.recording_on"]


def test_the_role_is_yaml_that_names_everything_recorded_and_stands_in_the_guide(as_root: Client) -> None:
    role = yaml.safe_load(cluster_role())
    allowed = {
        (group, plural)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for plural in rule["resources"]
        if {"list", "watch"} <= set(rule["verbs"])
    }
    assert {(recorded.group, recorded.plural) for recorded in RECORDED} <= allowed
    assert ([""], ["pods/log"], ["get"]) in [
        (rule["apiGroups"], rule["resources"], rule["verbs"]) for rule in role["rules"]
    ]
    assert cluster_role() in DOCS.read_text()
    assert "kind: ClusterRole" in text_of(as_root, "/sources/clusters/new/")


def test_the_test_of_a_cluster_names_what_the_recorder_may_not_watch(as_root: Client) -> None:
    with KubernetesStandIn() as server:
        server.deny("policy", "poddisruptionbudgets")
        form = {"name": "prod-eu", "kubeconfig": yaml.safe_dump(server.kubeconfig()), "allow_private": "on"}
        as_root.post("/sources/clusters/new/", form)
    failed = [check for check in Source.objects.get().preflight if not check["ok"]]
    assert [check["name"] for check in failed] == ["recorder may watch: poddisruptionbudgets"]
    assert 'resources: ["poddisruptionbudgets"]' in failed[0]["remedy"]
