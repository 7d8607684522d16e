"""What is pushed is cut to size after its secrets are gone, and no part of one is left at the cut."""

from __future__ import annotations

import json

import pytest

from telemetry.fluent.decode import decode
from telemetry.otlp.decode import JSON, decode_logs
from telemetry.rows import READ_LIMIT, TEXT_LIMIT, LogRow, clean_text
from tests.builders import NOW
from tests.telemetry.otlp.test_decode import make_logs, make_record

SECRET = "hunter2" * 30
KINDS = {
    "url": f"postgres://shop:{SECRET}@db/",
    "quoted": f"password='{SECRET} and {SECRET}'",
    "bare": f"token={SECRET}",
    "jwt": f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}",
    "pem": "-----BEGIN RSA PRIVATE KEY-----\n" + f"{SECRET[:64]}\n" * 200 + "-----END RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [TEXT_LIMIT, READ_LIMIT])
def test_a_secret_across_a_cut_is_gone_whole(kind: str, limit: int) -> None:
    for before in (limit - 120, limit - 60, limit - 20):
        for prefix in ("x " * (before // 2), f"{KINDS['pem']} " + "x " * ((before - len(KINDS["pem"])) // 2)):
            found = clean_text(prefix + KINDS[kind] + " y" * 10_000)
            assert "hunter" not in found, (before, found[-80:])
            assert len(found) <= TEXT_LIMIT


def test_a_text_that_is_all_secret_says_so() -> None:
    assert clean_text("-----BEGIN RSA PRIVATE KEY-----" + "\nabcdefghijklmnopqrstuvwxyz" * 2_000) == (
        "[redacted:too-long]"
    )


def both(text: str) -> list[LogRow]:
    attribute = {"key": "k", "value": {"stringValue": text}}
    told = make_logs(make_record(body={"stringValue": text}, attributes=[attribute]))
    pushed = json.dumps({"log": text, "k": text, "date": 1_795_242_000}).encode()
    return [*decode_logs(json.dumps(told).encode(), JSON).rows, *decode(pushed, JSON, NOW).rows]


def test_bodies_and_attributes_of_every_way_in_are_cut_after_their_secrets_are_gone() -> None:
    for row in both("x " * 7_950 + KINDS["url"] + " y" * 10_000):
        for found in (row.body, row.attributes["k"]):
            assert "hunter" not in found
            assert 15_500 < len(found) <= TEXT_LIMIT
