"""What keeps a question about the archive from running away."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

from telemetry.browsing import PATIENCE_MS, TooMuch, at_most
from tests import database
from tests.api.calling import Api
from tests.builders import make_cluster, make_person
from tests.fixtures import signed_in


@pytest.mark.django_db
def test_a_statement_that_takes_too_long_is_cancelled() -> None:
    with connection.cursor() as cursor:
        with pytest.raises(TooMuch, match="shorter time"), at_most(20):
            cursor.execute("SELECT pg_sleep(30)")
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.mark.django_db
def test_other_faults_of_the_database_stay_what_they_are() -> None:
    with psycopg.connect(database.conninfo()) as other, connection.cursor() as cursor:
        other.execute("LOCK TABLE telemetry_heartbeat IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SET LOCAL lock_timeout = '20ms'")
        with pytest.raises(OperationalError, match="lock timeout"), at_most(5_000):
            cursor.execute("SELECT count(*) FROM telemetry_heartbeat")


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/events/?q=word", 200, "That would read too much"),
        ("/events/counts/?q=word", 200, "Counting took too long and was stopped"),
        ("/api/v1/events/?q=word", 400, "ask for a shorter time"),
    ],
)
def test_a_question_that_takes_too_long_says_so(committed: None, address: str, status: int, words: str) -> None:
    make_cluster()
    client = Api(make_person("cy")).client if "/api/" in address else signed_in(make_person("cy"))
    assert isinstance(client, Client)
    with psycopg.connect(database.conninfo()) as other:
        other.execute("LOCK TABLE telemetry_clusterevent IN ACCESS EXCLUSIVE MODE")
        answer = client.get(address)
    assert (answer.status_code, words in answer.content.decode()) == (status, True)
    assert PATIENCE_MS <= 5_000
