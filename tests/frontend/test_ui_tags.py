"""The tags of `{% load ui %}`: their words, their zone, their escaping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone

from accounts.templatetags import ui, words
from telemetry.observations import Status

AT = datetime(2026, 11, 21, 6, 37, 20, tzinfo=UTC)
EVIL = '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    ("style", "expected"),
    [("time", "07:37:20"), ("minute", "07:37"), ("date", "Sat 21 Nov 2026"), ("full", "21 Nov 2026 07:37:20")],
)
def test_a_time_is_shown_in_the_readers_zone_with_utc_in_its_title(style: str, expected: str) -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        shown = ui.when(AT, style)
    assert shown == f'<time datetime="2026-11-21T06:37:20Z" title="2026-11-21 06:37:20 UTC">{expected}</time>'


@pytest.mark.parametrize(
    ("ago", "expected"),
    [(3, "now"), (75, "1 min ago"), (7_300, "2 h ago"), (200_000, "2 d ago"), (-4_000, "in 1 h")],
)
def test_a_relative_time_has_one_unit(ago: int, expected: str) -> None:
    assert f">{expected}<" in ui.when(AT, "relative", AT + timedelta(seconds=ago))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (38, "38 s"),
        (319, "5 min 19 s"),
        (340, "5 min 40 s"),
        (7_500, "2 h 5 min"),
        (7_200, "2 h"),
        (0.04, "40 ms"),
        (360_000, "4 d 4 h"),
        (-90, "−1 min 30 s"),
        (None, ""),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float | None, expected: str) -> None:
    assert ui.duration(seconds) == expected


@pytest.mark.parametrize(
    ("count", "lasted", "expected"),
    [(10, 140, "×10 until 06:39:40"), (1, 140, "until 06:39:40"), (3, 0, "×3"), (1, 0, "")],
)
def test_repetition_is_one_span_of_time(count: int, lasted: int, expected: str) -> None:
    with timezone.override(UTC):
        shown = ui.repeats(count, AT, AT + timedelta(seconds=lasted))
    assert shown == (f'<span class="x">{expected}</span>' if expected else "")


@pytest.mark.parametrize("status", Status)
def test_every_outcome_has_its_own_words_and_icon(status: Status) -> None:
    assert status.value in words.OUTCOME
    assert words.OUTCOME[status.value][2] in ui.outcome(SimpleNamespace(status=status.value))


def test_a_severity_is_a_shape_and_a_word() -> None:
    shown = ui.severity(SimpleNamespace(rank=2, name="SEV2"), solid=True)
    assert 'class="sev sev-2 solid"' in shown
    assert "#i-sev-2" in shown
    assert shown.endswith("SEV2</span>")


def test_names_are_escaped() -> None:
    evil = SimpleNamespace(display_name=EVIL, initials="<i", status=EVIL, rank=1, name=EVIL)
    for shown in (
        ui.person(evil, EVIL),
        ui.avatar(evil),
        ui.status(evil),
        ui.outcome(evil),
        ui.severity(evil),
        ui.ev(EVIL),
    ):
        assert "<script" not in shown.lower()
        assert "<i<" not in shown
    assert "<script" not in ui.joined([EVIL])


def test_an_icon_is_decoration_from_the_versioned_sprite() -> None:
    shown = ui.icon("bell", "icon-lg")
    assert shown.startswith('<svg class="icon icon-lg" aria-hidden="true"><use href="/static/debrief/icons.svg?v=')
    assert shown.endswith('#i-bell"/></svg>')


class Sample(forms.Form):
    title = forms.CharField(label="Title", help_text="What people see.", max_length=5)
    private = forms.BooleanField(label="Restricted", required=False)


def rendered(form: forms.Form) -> str:
    return Template("{% load ui %}{% field form.title %}{% field form.private %}").render(Context({"form": form}))


def test_a_field_ties_help_and_errors_to_its_input() -> None:
    shown = rendered(Sample({"title": "too long"}))
    assert 'aria-describedby="id_title_hint id_title_error"' in shown
    assert 'class="form-control is-invalid"' in shown
    assert 'aria-invalid="true"' in shown
    assert 'id="id_title_error"' in shown
    assert 'value="too long"' in shown


def test_a_field_without_errors_names_its_help_alone() -> None:
    shown = rendered(Sample())
    assert 'aria-describedby="id_title_hint"' in shown
    assert '<label class="form-label" for="id_title">Title' in shown
    assert 'class="form-check-input"' in shown


def test_the_summary_links_to_each_wrong_field() -> None:
    shown = Template("{% include 'components/_errors.html' %}").render(Context({"form": Sample({"title": "too long"})}))
    assert '<a href="#id_title">Title</a>: Ensure this value has at most 5 characters' in shown
