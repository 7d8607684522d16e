"""Writing once: stale versions refused with nothing lost, repeated posts answered from the first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from accounts.models import IdempotencyKey
from incidents.models import FollowUp, Incident
from tests.api.calling import Api
from tests.builders import (
    make_brownbag,
    make_checklist,
    make_cluster,
    make_followup,
    make_incident,
    make_lesson,
    make_person,
    make_postmortem,
    make_source,
)

pytestmark = pytest.mark.django_db
BODY = {"title": "Checkout answers 503", "severity": "SEV2"}


@pytest.mark.parametrize(
    ("path", "make", "field", "who"),
    [
        ("incidents/", make_incident, "title", "ada"),
        ("postmortems/", make_postmortem, "body", "ada"),
        ("followups/", make_followup, "title", "ada"),
        ("lessons/", make_lesson, "statement", "ada"),
        ("checklists/", make_checklist, "name", "ada"),
        ("brownbags/", make_brownbag, "title", "ada"),
        ("sources/", make_source, "name", "root"),
        ("clusters/", make_cluster, "name", "root"),
    ],
)
def test_a_stale_write_gets_the_current_object_and_loses_nothing(
    path: str, make: Callable[[], Any], field: str, who: str
) -> None:
    row = make()
    api = Api(make_person(who))
    one = f"{path}{getattr(row, 'number', row.pk)}/"
    first = api.get(one)["ETag"]
    second = api.patch(one, {field: "The first writer"}, If_Match=first)
    assert second.status_code == 200
    stale = api.patch(one, {field: "The second writer"}, If_Match=first)
    assert stale.status_code == 412
    assert stale.json()["current"][field] == "The first writer"
    assert stale["ETag"] == second["ETag"]
    assert api.get(one).json()[field] == "The first writer"
    for shape in ("{}", "W/{}", "*", '"999", {}'):
        answer = api.patch(one, {field: "The first writer"}, If_Match=shape.format(api.get(one)["ETag"]))
        assert answer.status_code == 200, shape


def test_the_same_key_is_answered_from_the_first_post() -> None:
    api = Api(make_person("ada"))
    first = api.post("incidents/", BODY, Idempotency_Key="k-1")
    again = api.post("incidents/", BODY, Idempotency_Key="k-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert again["ETag"] == first["ETag"]
    assert Incident.objects.count() == 1


def test_the_same_key_with_another_body_is_refused() -> None:
    api = Api(make_person("ada"))
    api.post("incidents/", BODY, Idempotency_Key="k-1")
    other = api.post("incidents/", BODY | {"title": "Something else"}, Idempotency_Key="k-1")
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    assert Incident.objects.count() == 1


def test_a_key_belongs_to_its_person() -> None:
    Api(make_person("ada")).post("incidents/", BODY, Idempotency_Key="k-1")
    assert Api(make_person("ben")).post("incidents/", BODY, Idempotency_Key="k-1").json()["number"] == 2


def test_a_refused_post_leaves_its_key_free() -> None:
    api = Api(make_person("ada"))
    assert api.post("incidents/", {"title": ""}, Idempotency_Key="k-1").status_code == 400
    incident = make_incident()
    refused = api.post("followups/", {"incident": incident.number, "title": "x" * 300}, Idempotency_Key="k-2")
    assert refused.status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert api.post("incidents/", BODY, Idempotency_Key="k-1").status_code == 201


def test_a_key_of_any_length_is_an_answer() -> None:
    assert Api(make_person("ada")).post("incidents/", BODY, Idempotency_Key="k" * 201).status_code == 400


def test_twenty_posts_at_once_with_one_key_have_one_effect(committed: None) -> None:
    api = Api(make_person("ada"))

    def post(_: int) -> tuple[int, int]:
        try:
            answer = api.post("incidents/", BODY, Idempotency_Key="storm")
            return answer.status_code, answer.json()["number"]
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(post, range(20)))
    assert set(answers) == {(201, 1)}
    assert Incident.objects.count() == 1
    assert Incident.objects.get().collections.count() == 1


def test_twenty_writers_of_one_version_have_one_winner(committed: None) -> None:
    followup = make_followup()
    api = Api(make_person("ada"))

    def patch(place: int) -> int:
        try:
            return int(api.patch("followups/1/", {"title": f"Writer {place}"}, If_Match='"1"').status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        codes = sorted(threads.map(patch, range(20)))
    assert codes == [200] + [412] * 19
    assert FollowUp.objects.get(pk=followup.pk).resource_version == 2
