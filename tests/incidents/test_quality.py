"""Hints on the quality of a text: what counts, what does not, and that no text makes them slow."""

from __future__ import annotations

import time

import pytest

from incidents.quality import Facts, FollowUpFact, Hint, hints, labels

GOOD = """## Summary

Release 1.42.0 asked for too much memory and was never scheduled [[E-1]].

## Impact

About 1,900 customers saw an error page for six minutes [[E-2]].

## Detection

The alert fired 38 s after the first failed request [[E-3]].

## Contributing factors

### The request was 900Gi
Nothing between the pull request and the scheduler refuses such a value [[E-4]].

### The roll-back target was not healthy
Both old pods restarted five times before that [[E-5]].

## Follow-ups

- [[F-1]]
"""


def told(slug: str, body: str = GOOD, **facts: object) -> Hint:
    facts.setdefault("followups", [FollowUpFact("F-1", is_owned=True, is_dated=True)])
    return next(one for one in hints(Facts(body=body, **facts)) if one.slug == slug)  # type: ignore[arg-type]


def test_a_text_with_everything_meets_every_check() -> None:
    found = hints(Facts(body=GOOD, followups=[FollowUpFact("F-1", True, True)], people=["Ben", "ben"]))
    assert [one.slug for one in found if not one.is_met] == []
    assert [one.slug for one in found] == [slug for slug, _ in labels()]


@pytest.mark.parametrize(
    "impact",
    [
        "63 % of the requests failed",
        "1,904 payments failed",
        "€12,000 were lost",
        "It lasted 6 min 30 s",
        "Latency rose to 5s",
        "About 1.5 million users noticed",
    ],
)
def test_a_number_with_what_it_counts_quantifies_the_impact(impact: str) -> None:
    assert told("impact-quantified", f"## Impact\n\n{impact}.\n").is_met


@pytest.mark.parametrize(
    "impact",
    [
        "Some customers could not pay",
        "It began at 06:37:20 UTC on 21 November 2026 and ended at 07:01",
        "Since release v1.42.0 and 1.42.0 it was slow",
        "See [[E-7]] and [[INC-12]]",
        "On 2026-11-21 it was bad",
        "<!-- 63 % of the requests -->",
    ],
)
def test_times_versions_citations_and_guidance_do_not_quantify(impact: str) -> None:
    hint = told("impact-quantified", f"## Impact\n\n{impact}\n")
    assert not hint.is_met
    assert (hint.where, hint.at) == ("Impact", 0)


def test_an_embedded_chart_quantifies_and_an_embedded_event_does_not() -> None:
    body = "## Impact\n\n![[E-7]]\n"
    assert told("impact-quantified", body, metrics=frozenset({7})).is_met
    assert not told("impact-quantified", body, metrics=frozenset({8})).is_met


def test_a_missing_section_is_said_and_has_no_place() -> None:
    hint = told("detection-explained", "## Summary\n\nNothing else.\n")
    assert (hint.is_met, hint.at) == (False, None)
    assert "no section" in hint.sentence


@pytest.mark.parametrize(
    ("factors", "is_met"),
    [
        ("### One\n\nText", False),
        ("### One\n\nText\n\n### Two", False),
        ("### One\n\nText\n\n### Two\n\nMore", True),
        ("- the probe\n- the roll-back", True),
        ("1. the probe", False),
        ("It was the probe.", False),
    ],
)
def test_more_than_one_factor_is_counted_where_something_is_said_about_it(factors: str, is_met: bool) -> None:
    assert told("several-factors", f"## Contributing factors\n\n{factors}\n\n## Next\n").is_met is is_met


def test_follow_ups_without_owner_or_date_are_named() -> None:
    rows = [FollowUpFact(f"F-{n}", is_owned=n > 4, is_dated=n != 6) for n in range(1, 7)]
    assert told("followups-owned", followups=rows).sentence == "F-1, F-2, F-3 and 2 more have no owner or no date yet."


def test_no_follow_up_is_fine_where_the_text_says_so() -> None:
    assert not told("followups-owned", followups=[]).is_met
    body = "## Follow-ups\n\nNo follow-up is needed: the cluster is gone.\n"
    assert told("followups-owned", body, followups=[]).is_met


def test_a_heading_with_guidance_alone_is_empty_and_one_with_filled_parts_is_not() -> None:
    hint = told("headings-filled", "## Full\n\n### Part\n\ntext\n\n## Empty\n\n<!-- say\nmore -->\n\n## Last\n\nx\n")
    assert hint.sentence == "Nothing stands under “Empty” yet."
    assert hint.at == len("## Full\n\n### Part\n\ntext\n\n")


def test_a_heading_inside_a_code_block_is_no_heading() -> None:
    assert told("headings-filled", "## Log\n\n```\n## not a heading\n```\n").is_met


def test_statements_without_evidence_are_counted_line_by_line() -> None:
    body = (
        "## Timeline\n\n| UTC | What happened to all of us then |\n|---|---|\n| 06:37 | A node stopped to report at all |\n"
        "| 06:38 | The other node stopped to report [[E-3]] |\n\n- a pod could not be scheduled anywhere\n- short\n\n"
        "![[E-4]]\n\n## What went well\n\nNobody cites anything in this section at all.\n"
    )
    hint = told("statements-cited", body)
    assert hint.sentence == "2 statements have no evidence beside them."
    assert hint.at is not None
    assert body[hint.at :].startswith("| 06:37")


@pytest.mark.parametrize(
    "text",
    [
        "Ben should have looked",
        "It was Ben's mistake",
        "@ben forgot to look",
        "a mistake by Ben Lindqvist",
        "because of Ben Lindqvist",
        "Ben’s error",
    ],
)
def test_a_name_beside_blame_is_hinted_at(text: str) -> None:
    hint = told("no-blame", f"## Detection\n\nThen {text}.\n", people=["Ben Lindqvist", "ben", "Ben"])
    assert not hint.is_met
    assert hint.where == "Detection"


@pytest.mark.parametrize("text", ["Ben rolled back", "the benign error", "We should have looked", "Bent should have"])
def test_a_name_alone_and_blame_alone_are_fine(text: str) -> None:
    assert told("no-blame", f"## Detection\n\nThen {text}.\n", people=["Ben Lindqvist", "ben", "Ben"]).is_met


@pytest.mark.parametrize("name", ["(", "a.b+", "[x", "\\"])
def test_a_name_that_is_a_pattern_is_a_name(name: str) -> None:
    assert told("no-blame", people=[name, name * 2]).is_met


@pytest.mark.parametrize(
    "body",
    [
        "x y z w v u\n" * 16_000,
        "\n" * 199_000,
        ("\n" + " " * 30) * 6_000,
        "1 " * 99_000,
        "![[" * 66_000,
        "```\n~~~\n" * 14_000,
        "ben " * 50_000,
        "<!--" * 49_000,
        "|-" * 99_000,
        "# a\n" * 50_000,
        "\n| a b c d e f g" * 13_000,
    ],
)
def test_no_text_makes_the_checks_slow(body: str) -> None:
    facts = Facts(body=f"## Impact\n{body}"[:200_000], people=[f"name{n}" for n in range(90)])
    began = time.monotonic()
    assert len(hints(facts)) == len(labels())
    assert time.monotonic() - began < 2
