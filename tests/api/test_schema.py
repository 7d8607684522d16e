"""The schema is valid OpenAPI 3.1, and nothing that it allows makes the API fail."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import requests
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings

from tests.api.calling import Api
from tests.builders import (
    make_brownbag,
    make_checklist,
    make_cluster,
    make_evidence,
    make_followup,
    make_incident,
    make_lesson,
    make_person,
    make_postmortem,
    make_source,
    make_token,
)

pytestmark = pytest.mark.django_db
RESOURCES = "clusters events sources incidents postmortems followups lessons checklists checklist-runs brownbags search"


def read_schema() -> dict[str, Any]:
    answer = Api(make_person("cy")).get("schema/", Accept="application/vnd.oai.openapi+json")
    assert answer.status_code == 200
    schema: dict[str, Any] = json.loads(answer.content)
    return schema


def test_it_is_openapi_3_1_with_every_resource() -> None:
    schema = read_schema()
    assert schema["openapi"] == "3.1.0"
    named = {path.split("/")[3] for path in schema["paths"]}
    assert set(RESOURCES.split()) <= named
    for part in ("evidence", "timeline", "milestones", "collections"):
        assert any(f"/incidents/{{number}}/{part}/" in path for path in schema["paths"])


def test_its_own_schemas_are_valid_json_schema() -> None:
    schema = read_schema()
    for body in schema["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(body)
    ids = [
        operation["operationId"]
        for methods in schema["paths"].values()
        for operation in methods.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]
    assert len(ids) == len(set(ids))


def test_the_page_for_people_lists_every_operation(as_cy: Any) -> None:
    page = as_cy.get("/api/v1/docs/").content.decode()
    for path in read_schema()["paths"]:
        assert path in page


@pytest.mark.parametrize("who", ["cy", "ada", "root"])
def test_no_request_that_the_schema_allows_is_a_fault_of_ours(who: str) -> None:
    incident = make_incident()
    make_evidence(incident), make_followup(incident), make_cluster(), make_source()
    make_lesson(postmortems=[make_postmortem(incident)]), make_checklist(), make_brownbag()
    client = Client(headers={"Authorization": f"Bearer {make_token(make_person(who))}"})
    schema = schemathesis.openapi.from_dict(read_schema())
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/schema/"):
            continue

        @settings(
            max_examples=4,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            nonlocal tried
            tried += 1
            sent = case.as_transport_kwargs(base_url="http://testserver")
            address = requests.Request(sent["method"], sent["url"], params=sent["params"]).prepare().path_url
            answer = client.generic(
                sent["method"], address, json.dumps(sent.get("json")), content_type="application/json"
            )
            assert answer.status_code < 500, (sent, answer.content)

        holds()
    assert tried > 100
