"""What a text names becomes links for those who may see it; stretches of the timeline stand in the text."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from incidents.markdown import Reference, render
from incidents.models import Incident, TimelineEntry
from incidents.rendering import render_document
from tests.builders import NOW, make_evidence, make_followup, make_incident, make_lesson, make_note, make_person

KNOWN = {
    "@ada": Reference("/settings/people/?q=ada", 'Ada "A" <Okafor>'),
    "INC-17": Reference("/incidents/17/", "Node lost"),
    "E-7": Reference("/incidents/42/evidence/7/", "5xx share"),
}


def html(text: str) -> str:
    return render(text, resolve=KNOWN.get).html


def test_a_person_and_an_incident_in_a_sentence_are_links() -> None:
    shown = html("Told by @ada, as in INC-17.")
    assert '<a class="mention" href="/settings/people/?q=ada" title="Ada &quot;A&quot; &lt;Okafor&gt;"' in shown
    assert '>@ada</a>, as in <a class="mention" href="/incidents/17/" title="Node lost"' in shown
    assert ">INC-17</a>." in shown


@pytest.mark.parametrize(
    "text",
    [
        "`@ada INC-17`",
        "```\n@ada INC-17\n```",
        "ada@ada.example",
        "XINC-17",
        "INC-17a",
        "a/INC-17/b",
        "INC\\-17 x",
        "@nobody INC-18",
    ],
)
def test_what_names_nothing_stays_text(text: str) -> None:
    assert "mention" not in html(text)


def test_a_link_keeps_its_words() -> None:
    shown = html("[INC-17 by @ada](https://a.example) and [[INC-17]]")
    assert "mention" not in shown
    assert ">INC-17 by @ada</a>" in shown


def test_mentions_stand_in_lists_tables_headings_and_emphasis() -> None:
    shown = html("## For @ada\n\n- see **INC-17**\n\n| a |\n|---|\n| E-7 |")
    assert shown.count('class="mention"') == 3


def test_ten_thousand_mentions_are_bounded() -> None:
    lines = "\n\n".join(" ".join(["@ada INC-17"] * 100) for _ in range(50))
    start = time.perf_counter()
    shown = html(lines)
    assert time.perf_counter() - start < 5
    assert shown.count('class="mention"') == 1_000
    assert shown.count("@ada") == 5_000


@pytest.mark.django_db
def test_only_what_the_reader_may_see_becomes_a_link() -> None:
    incident = make_incident()
    hidden = make_incident(title="Secret words", visibility="restricted")
    make_followup(hidden, title="Secret deed")
    make_lesson()
    text = f"See {hidden.key}, F-1, L-1, L-2, @cy and @mallory."
    ada = render_document(text, incident=incident, person=make_person("ada")).html
    cy = render_document(text, incident=incident, person=make_person("cy")).html
    assert "Secret words" in ada
    assert "Secret deed" in ada
    assert "Secret" not in cy
    assert re.findall(r'class="mention"[^>]*>([^<]*)<', cy) == ["L-1", "@cy"]


@pytest.mark.django_db
def test_a_cited_lesson_that_is_not_there_is_marked() -> None:
    shown = render_document("[[L-9]]", incident=make_incident(), person=make_person("cy")).html
    assert "L-9?" in shown


@pytest.fixture
def night(db: None) -> Incident:
    incident = make_incident()
    for minute in range(10):
        make_note(incident, text=f"Step {minute}", occurred_at=NOW - timedelta(minutes=minute))
    return incident


def stretch(incident: Incident, options: str, person: User | None = None) -> str:
    return render_document(f"![[timeline{options}]]", incident=incident, person=person or make_person("cy")).html


def test_a_stretch_of_the_timeline_is_a_table_with_its_lines_alone(night: Incident) -> None:
    item = make_evidence(night)
    TimelineEntry.objects.filter(text="Step 3").update(evidence=item, count=4, subject="pod/checkout-1")
    shown = stretch(night, ' from=06:34 to=06:37:00 source=note caption="The middle"')
    assert re.findall(r"Step (\d)", shown) == ["4", "3", "2"]
    assert "<td>06:35:12</td><td>Ada Okafor <code>pod/checkout-1</code> ×4: Step 3<sup>" in shown
    assert f'<a class="ev" href="/incidents/{night.number}/evidence/1/">E-1</a>' in shown
    assert "<figcaption><span>The middle</span></figcaption>" in shown


def test_a_stretch_is_shown_in_the_readers_zone_and_chosen_in_utc(night: Incident) -> None:
    with timezone.override("Asia/Tokyo"):
        shown = stretch(night, " from=06:34 to=06:37:00 source=note")
    assert "<th>JST</th>" in shown
    assert "<td>15:35:12</td>" in shown
    assert re.findall(r"Step (\d)", shown) == ["4", "3", "2"]


def test_hidden_lines_are_left_out_and_pinned_ones_can_be_asked_for(night: Incident) -> None:
    TimelineEntry.objects.filter(text="Step 3").update(hidden=True)
    TimelineEntry.objects.filter(text="Step 4").update(pinned=True)
    assert "Step 3" not in stretch(night, "")
    assert re.findall(r"Step (\d)", stretch(night, " pinned=1")) == ["4"]


def test_a_long_stretch_is_bounded_and_says_so(night: Incident) -> None:
    for number in range(70):
        make_note(night, text=f"More {number}", occurred_at=NOW)
    shown = stretch(night, " source=note")
    assert shown.count("<tr") == 61
    assert "The first 60 lines of this stretch" in shown


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (" source=gossip", "source=gossip: expected some of event, change"),
        (" pinned=yes", "pinned=yes: expected 1"),
        (" from=late", "from=late cannot be read"),
        (" lines=3", "The timeline has no option lines: expected from, to, source, pinned or caption."),
        (" 06:37", "“06:37” cannot be read here"),
    ],
)
def test_wrong_options_of_a_stretch_are_told(night: Incident, options: str, expected: str) -> None:
    assert expected in stretch(night, options)


def test_hostile_lines_are_text(night: Incident) -> None:
    TimelineEntry.objects.update(title="<script>alert(1)</script>", subject='"><img src=x>', text="<svg onload=1>")
    shown = stretch(night, " source=note")
    assert not re.search(r"<(?:script|img|svg)", shown)


def test_queries_do_not_grow_with_what_a_text_names(night: Incident) -> None:
    for _ in range(5):
        make_evidence(night)
        make_followup(night)
        make_lesson()
    cy = make_person("cy")

    def asked(text: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            render_document(text, incident=night, person=cy)
        return len(queries)

    one = "E-1 F-1 L-1 INC-1 @ada\n\n![[E-1]]\n\n![[timeline from=06:30 to=06:31]]\n\n"
    many = "".join(
        f"E-{n} [[E-{n}]] F-{n} L-{n} @ada @cy\n\n![[timeline from=06:3{n} to=06:40]]\n\n" for n in range(1, 6)
    )
    asked(one)
    assert asked(one + many) == asked(one) <= 8
