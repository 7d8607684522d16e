"""Query templates: who may keep one, which incident asks it, and trying one out against a source that answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import CollectionRun
from telemetry.models import QueryTemplate, QueryTrial, Source
from telemetry.trying import prune, try_out
from tests.builders import NOW, make_incident, make_person, make_source
from tests.stand_ins.prometheus import PrometheusStandIn

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def prometheus() -> Iterator[Source]:
    with PrometheusStandIn() as server:
        yield make_source(url=server.url, allow_private=True, options={"scrape_seconds": 20})


def form(**overrides: str) -> dict[str, str]:
    typed = {"title": "Errors of checkout", "name": "checkout-errors", "language": "PromQL", "source": ""}
    typed |= {"expr": 'up{namespace=~"{namespaces}"}', "unit": "ratio", "services": "checkout, cart", "namespaces": ""}
    return typed | {"enabled": "on"} | overrides


def trial_form(source: Source, **overrides: str) -> dict[str, str]:
    typed = {"expr": 'http_requests_total{namespace=~"{namespaces}"}', "unit": "requests/s"}
    typed |= {"try-source": str(source.pk), "try-namespaces": "shop", "try-services": "", "try-window": "1h"}
    return typed | overrides


def asked_by(incident: Any) -> set[str]:
    return set(CollectionRun.objects.filter(incident=incident).values_list("query_name", flat=True))


def test_an_admin_keeps_a_query_and_everybody_reads_it(as_root: Client, as_cy: Client) -> None:
    assert "Add a query" not in as_cy.get("/queries/").content.decode()
    assert as_root.post("/queries/new/", form()).status_code == 302
    template = QueryTemplate.objects.get()
    assert (template.services, template.changed_by.username) == (["checkout", "cart"], "root")
    page = as_cy.get("/queries/").content.decode()
    assert "Errors of checkout" in page
    assert "Edit and try" not in page
    assert as_root.post(f"/queries/{template.pk}/", form(title="Other", services="pay")).status_code == 302
    template.refresh_from_db()
    assert (template.title, template.services) == ("Other", ["pay"])
    assert as_root.post(f"/queries/{template.pk}/delete/").status_code == 302
    assert not QueryTemplate.objects.exists()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"services": "check out!"}, "is no such name"),
        ({"name": "not a slug"}, "valid “slug”"),
        ({"expr": ""}, "required"),
        ({"language": "SQL"}, "Select a valid choice"),
    ],
)
def test_a_query_that_cannot_work_comes_back_with_what_was_typed(
    as_root: Client, typed: dict[str, str], words: str
) -> None:
    answer = as_root.post("/queries/new/", form(**typed))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert words in page
    assert "Errors of checkout" in page
    assert not QueryTemplate.objects.exists()


def test_a_source_of_another_language_is_refused(as_root: Client) -> None:
    loki = make_source(kind="loki", name="Loki", url="http://loki.example:3100")
    answer = as_root.post("/queries/new/", form(source=str(loki.pk)))
    assert (answer.status_code, "speaks LogQL" in answer.content.decode()) == (422, True)


def test_incidents_of_its_services_ask_it_beside_the_usual(prometheus: Source, as_root: Client) -> None:
    usual = asked_by(make_incident(services=["pay"], namespaces=[]))
    as_root.post("/queries/new/", form())
    as_root.post("/queries/new/", form(name="always", title="Always", services=""))
    as_root.post("/queries/new/", form(name="off", title="Off", services="", enabled=""))
    assert asked_by(make_incident(services=["checkout"], namespaces=[])) == usual | {"checkout-errors", "always"}
    assert asked_by(make_incident(services=["billing"], namespaces=[])) == usual | {"always"}


def test_a_query_is_tried_out_and_its_answer_shown(prometheus: Source, as_root: Client) -> None:
    page = as_root.post("/queries/try/", trial_form(prometheus)).content.decode()
    trial = QueryTrial.objects.get()
    assert f'hx-get="/queries/trials/{trial.pk}/"' in page
    window_to = NOW + timedelta(minutes=25)
    QueryTrial.objects.update(window_from=NOW - timedelta(minutes=10), window_to=window_to)
    try_out(trial.pk)
    page = as_root.get(f"/queries/trials/{trial.pk}/").content.decode()
    assert "hx-get" not in page
    assert "Complete" in page
    assert '<svg class="viz"' in page
    assert "http_requests_total{namespace=~&quot;shop&quot;}" in page


def test_what_goes_wrong_is_shown_as_plainly(as_root: Client) -> None:
    with PrometheusStandIn() as server:
        server.fault("/api/v1/query_range", "400")
        source = make_source(url=server.url, allow_private=True)
        as_root.post("/queries/try/", trial_form(source, expr=HOSTILE))
        trial = QueryTrial.objects.get()
        try_out(trial.pk)
    page = as_root.get(f"/queries/trials/{trial.pk}/").content.decode()
    assert "parse error" in page
    assert "<script" not in page


def test_a_trial_is_asked_once_and_seen_by_who_asked(prometheus: Source, as_root: Client, as_cy: Client) -> None:
    as_root.post("/queries/try/", trial_form(prometheus))
    trial = QueryTrial.objects.get()
    try_out(trial.pk)
    first = QueryTrial.objects.get().finished_at
    try_out(trial.pk)
    assert QueryTrial.objects.get().finished_at == first
    assert as_cy.get(f"/queries/trials/{trial.pk}/").status_code == 403
    other = make_person("eve", role="admin")
    client = Client()
    client.force_login(other)
    assert client.get(f"/queries/trials/{trial.pk}/").status_code == 404


@pytest.mark.parametrize(
    "typed", [{"expr": ""}, {"try-window": "99d"}, {"try-namespaces": "a b!"}, {"try-source": "0"}]
)
def test_a_trial_that_cannot_be_asked_says_what_was_expected(
    prometheus: Source, as_root: Client, typed: dict[str, str]
) -> None:
    page = as_root.post("/queries/try/", trial_form(prometheus, **typed)).content.decode()
    assert 'class="note is-bad"' in page
    assert not QueryTrial.objects.exists()


def test_trials_are_let_go_after_an_hour(prometheus: Source, as_root: Client) -> None:
    as_root.post("/queries/try/", trial_form(prometheus))
    assert prune(timezone.now()) == 0
    assert prune(timezone.now() + timedelta(hours=2)) == 1


def test_a_trial_that_nobody_answers_ends_by_itself(prometheus: Source, as_root: Client) -> None:
    as_root.post("/queries/try/", trial_form(prometheus))
    trial = QueryTrial.objects.get()
    QueryTrial.objects.update(asked_at=timezone.now() - timedelta(minutes=3))
    page = as_root.get(f"/queries/trials/{trial.pk}/").content.decode()
    assert "No worker answered." in page
    assert "hx-get" not in page


def test_a_fault_of_ours_is_an_answer_too(prometheus: Source, as_root: Client) -> None:
    as_root.post("/queries/try/", trial_form(prometheus))
    QueryTrial.objects.update(scope={"namespaces": 7})
    try_out(QueryTrial.objects.get().pk)
    assert QueryTrial.objects.get().outcome["status"] == "error"
