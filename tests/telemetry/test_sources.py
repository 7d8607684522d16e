"""Clusters and sources on their pages: connected, tested, refused by field, pruned."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from accounts.problems import InvalidInput
from telemetry.models import Cluster, Heartbeat, LogRecord, Source
from telemetry.tasks import beat, prune_intake
from tests.builders import make_person, make_source, make_token
from tests.running import free_port
from tests.stand_ins.api_server import CLUSTER_UID
from tests.stand_ins.backups import BackedUpClusterStandIn
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = pytest.mark.django_db


def test_a_connected_cluster_shows_its_preflight(as_root: Client) -> None:
    with KubernetesStandIn() as server:
        server.deny("", "nodes")
        form = {"name": "prod-eu", "kubeconfig": yaml.safe_dump(server.kubeconfig()), "allow_private": "on"}
        page = as_root.post("/sources/clusters/new/", form, follow=True)
    cluster = Cluster.objects.get()
    assert (cluster.uid, cluster.version) == (CLUSTER_UID, "v1.20.2")
    source = cluster.sources.get()
    failed = [check["name"] for check in source.preflight if not check["ok"]]
    assert any("nodes" in name for name in failed)
    assert "something is missing" in page.content.decode()


@pytest.mark.parametrize(
    ("kubeconfig", "words"),
    [
        ("users: [{name: a, user: {exec: {command: sh}}}]", "exec"),
        ("{{{", "kubeconfig"),
        ("just text", "kubeconfig"),
    ],
)
def test_a_refused_kubeconfig_says_why_and_is_kept_in_the_form(as_root: Client, kubeconfig: str, words: str) -> None:
    answer = as_root.post("/sources/clusters/new/", {"name": "bad", "kubeconfig": kubeconfig})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Cluster.objects.exists()


def test_a_source_that_is_not_there_is_saved_and_shown_as_broken(as_root: Client, as_cy: Client) -> None:
    form = {"name": "Prometheus", "kind": "prometheus", "url": f"http://127.0.0.1:{free_port()}", "allow_private": "on"}
    page = as_root.post("/sources/new/", form | {"enabled": "on"}, follow=True).content.decode()
    assert "is saved, but something is missing" in page
    assert Source.objects.get().is_healthy is False
    assert "1 of 1 sources need a hand" in as_cy.get("/").content.decode()


def test_loopback_needs_a_word_of_the_operator(as_root: Client) -> None:
    with PrometheusStandIn() as server:
        form = {"name": "Prometheus", "kind": "prometheus", "url": server.url, "enabled": "on"}
        as_root.post("/sources/new/", form)
        assert Source.objects.get().is_healthy is False
        assert server.requests == []


def test_secrets_left_empty_stay_and_are_never_shown(as_root: Client) -> None:
    with PrometheusStandIn(bearer="kept-bearer") as server:
        source = make_source(url=server.url, allow_private=True, auth={"bearer": "kept-bearer"})
        form = {"name": "Renamed", "url": server.url, "allow_private": "on", "enabled": "on", "verify_tls": "on"}
        page = as_root.post(f"/sources/{source.pk}/", form, follow=True).content.decode()
    assert "Renamed answers." in page
    assert "kept-bearer" not in as_root.get(f"/sources/{source.pk}/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"options": "{"}, "This is no JSON"),
        ({"options": "[]"}, "Expected a JSON object"),
        ({"options": '{"note": "\\u0000"}'}, "NUL"),
        ({"headers": "no colon"}, "one “Name: value” a line"),
        ({"url": "ftp://example.org"}, "begins with http:// or https://"),
    ],
)
def test_a_refused_source_says_why(as_root: Client, wrong: dict[str, str], words: str) -> None:
    form = {"name": "P", "kind": "prometheus", "url": "http://prometheus.example.org:9090"} | wrong
    answer = as_root.post("/sources/new/", form)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_what_was_pushed_long_ago_is_pruned() -> None:
    now = timezone.now()
    for days in (1, 20):
        at = now - timedelta(days=days)
        LogRecord.objects.create(at=at, service="checkout", body="x", digest=uuid.UUID(int=days), received_at=at)
    assert prune_intake()["logs"] == 1
    assert LogRecord.objects.get().digest == uuid.UUID(int=1)


def test_a_heartbeat_is_one_row() -> None:
    beat()
    beat()
    assert Heartbeat.objects.count() == 1


def test_a_new_password_leaves_the_stored_user_name(as_root: Client) -> None:
    source = make_source(auth={"username": "reader", "password": "old-pass"})
    address = f"/sources/{source.pk}/"
    assert 'value="reader"' in as_root.get(address).content.decode()
    form = {"name": source.name, "url": f"http://127.0.0.1:{free_port()}", "password": "new-pass"}
    as_root.post(address, form)
    assert Source.objects.get().secrets()["auth"] == {"username": "reader", "password": "new-pass"}


def test_options_hold_no_nan(as_root: Client) -> None:
    form = {"name": "Prometheus", "kind": "prometheus", "url": "http://192.0.2.1:9090", "options": '{"step": NaN}'}
    answer = as_root.post("/sources/new/", form)
    assert answer.status_code == 422
    assert "without NaN" in answer.content.decode()


@pytest.mark.parametrize(
    ("redact", "field"),
    [(["x"], "options.redact"), ({"mine": 5}, "options.redact"), ({"mine": "("}, "options.redact.mine")],
)
def test_a_redaction_pattern_that_cannot_be_used_is_refused_by_its_name(db: None, redact: object, field: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        make_source(options={"redact": redact})
    assert list(problem.value.errors) == [field]


def test_what_needs_a_hand_comes_first_and_a_kind_is_found_by_its_name(as_cy: Client) -> None:
    now = timezone.now()
    fine = {"preflight": [{"name": "reachable", "ok": True, "detail": "", "remedy": ""}], "preflight_at": now}
    broken = {
        "preflight": [{"name": "reachable", "ok": False, "detail": "no route", "remedy": ""}],
        "preflight_at": now,
    }
    for name, kind, state in (("a", "loki", fine), ("b", "elasticsearch", broken), ("c", "tempo", broken)):
        Source.objects.filter(pk=make_source(name=f"own-{name}", kind=kind, url="http://own.example").pk).update(
            **state
        )
    page = as_cy.get("/sources/").content.decode()
    names = re.findall(r'<h2 class="srow-n">own-(.)</h2>', page)
    assert names == ["b", "c", "a"]
    assert "2 sources need a hand." in page
    assert page.count("<details open>") == 2
    assert re.findall("own-(.)</h2>", as_cy.get("/sources/?q=elastic").content.decode()) == ["b"]
    assert re.findall("own-(.)</h2>", as_cy.get("/sources/?q=LOKI").content.decode()) == ["a"]


def test_each_kind_has_a_form_that_asks_what_it_needs(as_root: Client) -> None:
    page = as_root.get("/sources/new/?q=recovery").content.decode()
    assert "Velero" in page
    assert "kind=loki" not in page
    prometheus = as_root.get("/sources/new/?kind=prometheus").content.decode()
    assert 'name="url"' in prometheus
    assert 'name="budget_series"' in prometheus
    pushed = as_root.get("/sources/new/?kind=alertmanager").content.decode()
    assert 'name="url"' not in pushed
    assert "/hooks/alertmanager/" in pushed
    velero = as_root.post("/sources/new/", {"kind": "velero", "name": "Velero", "enabled": "on"})
    assert (velero.status_code, "This field is required" in velero.content.decode()) == (422, True)


def test_a_budget_is_typed_in_mebibytes_and_kept_in_bytes(as_root: Client) -> None:
    form = {"kind": "loki", "name": "Loki", "url": f"http://127.0.0.1:{free_port()}", "enabled": "on"}
    as_root.post("/sources/new/", form | {"budget_bytes": "2", "budget_deadline_seconds": "10", "api_key": "k-secret"})
    source = Source.objects.get()
    assert source.budget == {"bytes": 2 * 2**20, "deadline_seconds": 10.0}
    assert source.secrets()["auth"] == {"api_key": "k-secret"}
    assert 'value="2.0"' in as_root.get(f"/sources/{source.pk}/").content.decode()
    refused = as_root.post("/sources/new/", form | {"name": "Other", "budget_deadline_seconds": "900"})
    assert (refused.status_code, "less than or equal to 60" in refused.content.decode()) == (422, True)


def test_backup_tools_of_a_new_cluster_are_found_and_added(as_root: Client) -> None:
    with BackedUpClusterStandIn() as server:
        form = {"name": "prod-eu", "kubeconfig": yaml.safe_dump(server.kubeconfig()), "allow_private": "on"}
        page = as_root.post("/sources/clusters/new/", form, follow=True).content.decode()
        assert set(Source.objects.values_list("kind", flat=True)) == {"kubernetes", "velero", "stash", "csi-snapshots"}
        assert "Found in the cluster and added: Velero prod-eu, Stash prod-eu, CSI snapshots prod-eu." in page
        assert all(source.is_healthy for source in Source.objects.exclude(kind="kubernetes"))


def test_a_push_is_told_on_the_page(as_root: Client, as_cy: Client) -> None:
    make_source(kind="webhook", name="Probes")
    assert "Nothing was pushed yet" in as_cy.get("/sources/").content.decode()
    token = make_token(make_person("ada"), "ingest")
    sent = Client(headers={"Authorization": f"Bearer {token}"})
    assert sent.post("/hooks/webhook/", {"title": "Down"}, content_type="application/json").status_code == 200
    assert "Last push" in as_cy.get("/sources/").content.decode()


@pytest.mark.parametrize(
    "url", ["http://prometheus:9090", "http://loki.team1:3100", "http://tempo.ns-1", "https://[::1]:9090/p"]
)
def test_names_of_services_are_addresses(as_root: Client, url: str) -> None:
    make_source(kind="prometheus", name="P", url=url)
    assert Source.objects.get().url == url


@pytest.mark.parametrize("url", ["http://", "http://a b", "http://x?y=1", "http://x#y", "http://x:99999"])
def test_what_is_no_address_is_refused(as_root: Client, url: str) -> None:
    answer = as_root.post("/sources/new/", {"kind": "prometheus", "name": "P", "url": url})
    assert (answer.status_code, "host" in answer.content.decode()) == (422, True)


def test_a_taken_name_does_not_stop_a_cluster_from_being_connected(as_root: Client) -> None:
    make_source(kind="webhook", name="Velero prod-eu")
    with BackedUpClusterStandIn() as server:
        form = {"name": "prod-eu", "kubeconfig": yaml.safe_dump(server.kubeconfig()), "allow_private": "on"}
        assert as_root.post("/sources/clusters/new/", form).status_code == 302
    assert Source.objects.filter(kind="velero", name="Velero prod-eu (velero)").exists()
