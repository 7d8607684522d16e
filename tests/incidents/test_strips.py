"""Recovery points, alerts and annotations as drawn: true to what the payload says, whatever it holds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.embeds import evidence_html
from incidents.strips import alert_span, recovery_strip
from incidents.timeline import lines_for
from telemetry.collectors.recovery import lasted
from telemetry.observations import EvidenceType, Level
from tests.builders import NOW, make_observation

POINT = {"name": "d-1", "at": "2026-11-21T00:00:00Z", "state": "usable", "reason": ""}
STRIP: dict[str, Any] = {
    "tool": "Velero",
    "plan": "shop-daily",
    "covers": "shop",
    "schedule": "0 */6 * * *",
    "incident_at": "2026-11-21T06:38:00Z",
    "points": [
        POINT,
        POINT | {"name": "d-2", "at": "2026-11-21T06:45:00Z", "state": "failed", "reason": "no space left"},
    ],
    "points_total": 2,
    "newest_usable": POINT,
    "age_seconds": 23_880.0,
    "window": {"start": "2026-11-21T06:20:00Z", "end": "2026-11-21T07:00:00Z"},
}
FIRING: dict[str, Any] = {
    "alertname": "CheckoutErrors",
    "labels": {"namespace": "shop"},
    "annotations": {"summary": "5 % fail", "truncated_alerts": "3"},
    "state": "firing",
    "first_at": "2026-11-21T06:40:00Z",
    "last_at": "2026-11-21T06:58:00Z",
    "window": {"start": "2026-11-21T06:20:00Z", "end": "2026-11-21T07:00:00Z"},
}
HOSTILE = "<script>alert(1)</script>"
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(10**12), 10**12) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*STRIP, *FIRING, "at"]), inner, max_size=6)
    ),
    max_leaves=15,
)


def test_a_strip_says_its_points_and_the_age_of_the_newest_usable_one() -> None:
    drawn = recovery_strip(STRIP)
    assert "1 usable, 1 failed; the newest usable one 6 h 38 min before the incident at 06:38:00." in drawn
    assert drawn.count("<path") >= 4


def test_the_item_names_what_failed_and_why() -> None:
    html = evidence_html("backup", "t", STRIP)
    assert "<b>6 h 38 min</b> before, d-1" in html
    assert "failed: no space left" in html
    assert re.findall(r"</svg>([a-z ]+)</li>", html) == ["usable", "failed"]


def test_without_a_usable_point_it_says_so() -> None:
    html = evidence_html("backup", "t", STRIP | {"newest_usable": None, "age_seconds": None})
    assert "No usable recovery point before the incident." in html


def test_an_alert_says_when_it_began_and_how_long_it_fired() -> None:
    assert "CheckoutErrors: began at 06:40:00, over at 06:58:00, 18 min in the window." in alert_span(FIRING)
    html = evidence_html("alert", "t", FIRING)
    assert "3 more alerts of its group were left out by the sender" in html
    assert "still going on" in alert_span(FIRING | {"ongoing": True})


def test_an_annotation_shows_its_text_and_tags() -> None:
    html = evidence_html(
        "annotation", "t", {"text": "Deploy 1.42", "tags": ["deploy"], "first_at": "2026-11-21T06:40:00Z"}
    )
    assert "Deploy 1.42" in html
    assert "deploy" in html


@pytest.mark.parametrize("kind", ["backup", "alert", "annotation"])
@given(payload=JSON)
def test_no_payload_breaks_a_drawing(kind: str, payload: Any) -> None:
    assert "<" in evidence_html(kind, "t", payload)


@pytest.mark.parametrize("kind", ["backup", "alert", "annotation"])
def test_texts_of_backends_run_nowhere(kind: str) -> None:
    point = POINT | {"name": HOSTILE, "reason": HOSTILE, "state": "failed"}
    payload = STRIP | FIRING | {"points": [point], "covers": HOSTILE, "tags": [HOSTILE], "text": HOSTILE}
    payload |= {"alertname": HOSTILE, "labels": {HOSTILE: HOSTILE}, "annotations": {"summary": HOSTILE}}
    assert "<script" not in evidence_html(kind, HOSTILE, payload)


def test_backups_of_the_window_stand_on_the_timeline() -> None:
    observation = make_observation(type=EvidenceType.BACKUP, payload=STRIP, level=Level.WARNING)
    (line,) = lines_for(observation)
    assert (line.title, line.level, line.text) == ("Velero backup d-2: failed", Level.ERROR, "no space left")


def test_a_restore_and_an_annotation_stand_on_the_timeline() -> None:
    restore = make_observation(type=EvidenceType.BACKUP, payload={"restore": True}, title="Velero restore r succeeded")
    assert [line.title for line in lines_for(restore)] == ["Velero restore r succeeded"]
    annotation = make_observation(type=EvidenceType.ANNOTATION, title="Deploy 1.42", first_at=NOW)
    assert [line.source for line in lines_for(annotation)] == ["annotation"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 min"), (3_600, "1 h"), (90_000, "1 d 1 h"), (23_880, "6 h 38 min")]
)
def test_lengths_read_as_people_say_them(seconds: float, words: str) -> None:
    assert lasted(seconds) == words
