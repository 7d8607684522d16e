"""Charts and evidence: what they show, that they escape it, and that nothing in a payload breaks them."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.charts import Lane, Mark, Point, Span, lanes, line_chart, log_histogram, trace_waterfall
from incidents.embeds import evidence_html

START = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
BAND = (START + timedelta(minutes=7), START + timedelta(minutes=13))


def metric(**changes: Any) -> dict[str, Any]:
    at = START.timestamp()
    payload = {
        "expr": 'rate(http_requests_total{code=~"5.."}[1m])',
        "unit": "ratio",
        "step_seconds": 60,
        "series": [{"labels": {"pod": "a"}, "points": [[at + 60 * n, 0.63 if n == 8 else 0.01] for n in range(20)]}],
        "baseline": [],
        "baseline_median": 0.008,
        "window": {"start": START.isoformat(), "end": (START + timedelta(minutes=19)).isoformat()},
    }
    return {**payload, **changes}


LOG = {
    "pod": "checkout-1",
    "container": "checkout",
    "previous": True,
    "lines": [
        {"at": "2026-11-21T06:37:24.880Z", "text": "INFO <b>ok</b>", "level": "info"},
        {"at": "2026-11-21T06:37:26Z", "text": "ERROR dsn=[redacted:url-userinfo]", "level": "error"},
    ],
    "total": 18_400,
    "histogram": [
        {"at": "2026-11-21T06:37:00Z", "count": 4, "errors": 0},
        {"at": "2026-11-21T06:37:30Z", "count": 9, "errors": 7},
    ],
}
TRACE = {
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "root": {"service": "web", "name": "POST /checkout"},
    "duration_ms": 5004,
    "critical": ["1", "2"],
    "orphans": 1,
    "spans": [
        {"span_id": "2", "parent_id": "1", "service": "db", "name": "connect", "start_ms": 4, "duration_ms": 4951}
        | {"error": True, "message": "i/o <timeout>"},
        {
            "span_id": "1",
            "parent_id": "",
            "service": "web",
            "name": "POST /checkout",
            "start_ms": 0,
            "duration_ms": 5004,
        },
    ],
}
ROLLOUT = {"change": "rollout", "diff": [{"path": "image", "before": "c:1.41", "after": "c:1.42"}], "replicas": 3}
EVENT = {"message": "0/3 nodes", "count": 2, "first_at": "2026-11-21T06:37:20Z", "last_at": "2026-11-21T06:37:42Z"}


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<root>{markup}</root>")


def texts(markup: str) -> list[str]:
    return ["".join(text.itertext()) for text in parsed(markup).iter("text")]


def test_a_line_chart_names_its_peak_and_says_its_numbers() -> None:
    chart = line_chart(metric(), zone="UTC")
    assert "63 %" in texts(chart)
    assert parsed(chart)[0].get("aria-label") == (
        "From 06:30:00 to 06:49:00, peak 63 % at 06:38:00, median before 0.8 %."
    )


def test_times_are_those_of_the_readers_zone() -> None:
    assert "07:35" in texts(line_chart(metric(), zone="Europe/Berlin"))


def test_the_incident_is_a_band_with_both_edges() -> None:
    chart = line_chart(metric(), band=BAND)
    assert chart.count('class="band"') == 1
    assert chart.count('class="edge"') == 1
    assert chart.count('class="edge ok"') == 1


def test_an_incident_that_goes_on_has_no_end_edge() -> None:
    chart = line_chart(metric(), band=(BAND[0], None))
    assert 'class="band"' in chart
    assert "edge ok" not in chart


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    at = START.timestamp()
    points = [[at + 60 * n, None if n == 5 else 1.0] for n in range(20)]
    chart = line_chart(metric(series=[{"labels": {}, "points": points}]))
    assert parsed(chart).find(".//path[@class='line']").get("d", "").count("M") == 2


def test_a_peak_survives_the_reduction_of_many_points() -> None:
    at = START.timestamp()
    points = [[at + n, 9.0 if n == 701 else 0.1] for n in range(1_100)]
    assert "9" in texts(line_chart(metric(series=[{"labels": {}, "points": points}], unit="", step_seconds=1)))


def test_the_highest_series_is_in_front_and_the_others_are_named_for_readings() -> None:
    at = START.timestamp()
    series = [
        {"labels": {"job": "x", "pod": name}, "points": [[at, top], [at + 60, top]]}
        for name, top in (("a", 1), ("b", 5))
    ]
    chart = line_chart(metric(series=series, unit="requests/s"))
    names = [path.get("data-name") for path in parsed(chart).iter("path") if path.get("data-v")]
    assert names == ["a", "b"]
    assert "in b" in chart


def test_values_for_readings_stand_on_the_grid_of_the_chart() -> None:
    svg = parsed(line_chart(metric()))[0]
    values = svg.find("path[@class='line']").get("data-v", "").split(",")
    assert svg.get("data-n") == str(len(values)) == "20"
    assert svg.get("data-dt") == "60"
    assert values[8] == "63"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        metric(series=[]),
        metric(series="x"),
        metric(series=[{"points": [["x", "y"]]}]),
        metric(series=[{"points": 3}]),
    ],
)
def test_a_metric_without_values_draws_nothing(payload: dict[str, Any]) -> None:
    assert line_chart(payload) == ""


def test_a_histogram_names_the_first_error() -> None:
    chart = log_histogram(LOG)
    assert "first error 06:37:26" in texts(chart)
    assert parsed(chart)[0].get("aria-label", "").startswith("13 lines from 06:37:00 to 06:38:00, 7 with errors")


def test_a_waterfall_stands_in_tree_order_with_failures_marked() -> None:
    chart = trace_waterfall(TRACE)
    drawn = texts(chart)
    assert drawn.index("web POST /checkout") < drawn.index("db connect")
    assert 'class="bar-b"' in chart
    assert "1 span came without its parent" in drawn
    assert "✕ 4951 ms" in drawn
    assert "heavy: on the critical path" in evidence_html("trace", "x", TRACE)


def test_a_waterfall_keeps_what_matters_when_there_are_too_many_spans() -> None:
    many = [
        {"span_id": f"s{n}", "parent_id": "1", "service": "x", "name": f"n{n}", "start_ms": n, "duration_ms": 1}
        for n in range(300)
    ]
    drawn = texts(trace_waterfall({**TRACE, "spans": [*many, *TRACE["spans"]]}, limit=10))
    assert "db connect" in drawn
    assert "292 shorter spans are not drawn" in drawn


def test_spans_that_are_each_others_parent_are_drawn_once() -> None:
    spans = [
        {"span_id": "a", "parent_id": "b", "name": "first", "start_ms": 0, "duration_ms": 2},
        {"span_id": "b", "parent_id": "a", "name": "second", "start_ms": 1, "duration_ms": 2},
    ]
    drawn = texts(trace_waterfall({"spans": spans}))
    assert drawn.count("first") == drawn.count("second") == 1


def test_lanes_draw_spans_points_and_marks_to_scale() -> None:
    window = (START, START + timedelta(minutes=20))
    drawn = lanes(
        [
            Lane("Warnings", bars=[(START + timedelta(minutes=n), n) for n in range(10)]),
            Lane("rollout", points=[Point(BAND[0], "1.42.0"), Point(BAND[1], "roll-back")]),
            Lane("node-1 NotReady", spans=[Span(*BAND, level="error")]),
        ],
        window,
        [Mark(BAND[0], "Impact"), Mark(BAND[1], "Mitigated", good=True)],
        band=BAND,
    )
    assert {"Impact", "Mitigated", "1.42.0", "roll-back", "node-1 NotReady"} <= set(texts(drawn))
    assert "node-1 NotReady: 06:37:00 to 06:43:00." in drawn


@pytest.mark.parametrize("window", [(START, START), (START, START - timedelta(1)), (None, START)])
def test_lanes_without_a_stretch_of_time_draw_nothing(window: Any) -> None:
    assert lanes([Lane("x")], window) == ""


def test_a_log_marks_errors_and_redactions_and_escapes_the_rest() -> None:
    shown = evidence_html("log", "x", LOG)
    assert "<span><i>06:37:24</i> INFO &lt;b&gt;ok&lt;/b&gt;</span>" in shown
    assert '<span class="e"><i>06:37:26</i> ERROR dsn=<b>redacted:url-userinfo</b></span>' in shown
    assert "2 of 18,400 lines" in shown
    assert "the container before" in shown


def test_a_long_log_shows_the_stretch_around_its_first_error() -> None:
    lines = [{"at": None, "text": f"line {n}", "level": "error" if n == 50 else "info"} for n in range(100)]
    shown = evidence_html("log", "x", {"lines": lines}, options={"lines": "6"})
    assert re.findall(r"line (\d+)", shown) == ["48", "49", "50", "51", "52", "53"]


GROUPED: dict[str, Any] = LOG | {
    "errors": 90,
    "patterns_total": 43,
    "patterns": [
        {"pattern": f"p{n} took <*> ms", "count": 90 - n, "level": level, "trend": trend}
        | {"first_at": "2026-11-21T06:37:25Z", "last_at": "2026-11-21T06:38:20Z"}
        for n, (level, trend) in enumerate(
            [
                ("info", "steady"),
                ("error", "steady"),
                ("warning", "new"),
                ("error", "new"),
                ("info", "fewer"),
                ("info", ""),
            ]
        )
    ],
}


def test_groups_of_lines_stand_loudest_and_newest_first_and_the_rest_is_folded() -> None:
    shown = evidence_html("log", "x", GROUPED)
    assert re.findall(r"<code>(p\d)", shown) == ["p3", "p1", "p2", "p0", "p5", "p4"]
    first, rest = shown.split("<details><summary>39 more groups of lines</summary>")
    assert first.count("<li") == 4
    assert "37 more were not kept" in rest
    assert "p3 took <i>…</i> ms" in first
    assert '<b class="num">87×</b><span class="trend trend-new">new</span><span>error</span>' in first
    assert "<span>06:37:25 to 06:38:20</span>" in first
    assert "90 with errors" in rest


def test_a_figure_folds_nothing_and_says_how_many_groups_it_leaves_out() -> None:
    shown = evidence_html("log", "x", GROUPED, options={})
    assert "details" not in shown
    assert "39 more groups of lines" in shown
    assert "<code>" not in evidence_html("log", "x", GROUPED, options={"lines": "1"})


def test_the_page_of_a_log_shows_every_group_and_line_that_was_kept() -> None:
    lines = [{"at": None, "text": f"line {n}", "level": "info"} for n in range(100)]
    shown = evidence_html("log", "x", GROUPED | {"lines": lines}, whole=True)
    assert len(re.findall(r"line \d", shown)) == 100
    assert shown.count("<li") == 6
    assert len(re.findall(r"line \d", evidence_html("log", "x", GROUPED | {"lines": lines}))) == 8


def test_a_rollout_is_a_difference_of_before_and_after() -> None:
    assert "<dt>image</dt><dd><del>c:1.41</del><ins>c:1.42</ins></dd>" in evidence_html("state_change", "x", ROLLOUT)


def test_an_event_says_how_often_and_how_long() -> None:
    shown = evidence_html("event", "x", EVENT)
    assert "<span>×2</span><span>06:37:20 until 06:37:42</span>" in shown


def test_what_has_no_picture_of_its_own_is_a_list_of_facts() -> None:
    shown = evidence_html(
        "link", "x", {"alertname": "HighErrors", "labels": {"pod": "<a>"}, "first_at": EVENT["first_at"]}
    )
    assert "<dt>alertname</dt><dd>HighErrors</dd>" in shown
    assert "<dt>labels</dt><dd>pod=&lt;a&gt;</dd>" in shown
    assert "<dt>first</dt><dd>06:37:20</dd>" in shown


def test_an_embed_narrows_a_chart_to_the_times_it_names() -> None:
    shown = evidence_html("metric", "x", metric(), options={"from": "06:35", "to": "06:40"})
    assert "From 06:35:00 to 06:40:00" in shown


def test_evidence_without_details_shows_its_title() -> None:
    assert evidence_html("backup", "Nightly <1>", {}) == '<p class="sm mut">Nightly &lt;1&gt;</p>'


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def poisoned(value: Any) -> Any:
    """The payload with a hostile text in the place of every text that is no time."""
    if isinstance(value, dict):
        return {key: poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner) for inner in value]
    return HOSTILE if isinstance(value, str) and not value.startswith("2026") else value


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("metric", metric()),
        ("log", LOG),
        ("log", GROUPED),
        ("trace", TRACE),
        ("state_change", ROLLOUT),
        ("event", EVENT),
        ("alert", EVENT),
    ],
)
def test_texts_of_a_backend_are_escaped_wherever_they_stand(kind: str, payload: dict[str, Any]) -> None:
    shown = evidence_html(kind, HOSTILE, poisoned(copy.deepcopy(payload)))
    assert "<script" not in shown
    assert "<img" not in shown
    parsed(shown)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [("metric", metric()), ("log", LOG), ("trace", TRACE), ("state_change", ROLLOUT), ("event", EVENT)],
)
def test_pictures_carry_classes_and_no_styles(kind: str, payload: dict[str, Any]) -> None:
    assert "style" not in evidence_html(kind, "x", payload, band=BAND)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["NaN", "1e400", "2026-11-21T06:37:20Z"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["metric", "log", "trace", "state_change", "event", "link", "x"]), st.data())
def test_nothing_in_a_payload_breaks_its_picture(kind: str, data: st.DataObject) -> None:
    whole = {"metric": metric(), "log": GROUPED, "trace": TRACE, "state_change": ROLLOUT, "event": EVENT}.get(kind, {})
    payload = copy.deepcopy(whole)
    for name in data.draw(st.lists(st.sampled_from([*whole, "extra"]), max_size=4)):
        payload[name] = data.draw(
            st.one_of(
                JSON,
                st.lists(
                    st.fixed_dictionaries(
                        {},
                        optional=dict.fromkeys(
                            [
                                "points",
                                "labels",
                                "at",
                                "count",
                                "errors",
                                "text",
                                "span_id",
                                "parent_id",
                                "start_ms",
                                "duration_ms",
                                "path",
                            ],
                            JSON,
                        ),
                    ),
                    max_size=4,
                ),
            )
        )
    shown = evidence_html(kind, "title", payload, band=BAND)
    assert "nan" not in re.sub(r">[^<]*<|\"[^\"]*[a-z]{4}[^\"]*\"", "", shown)


@given(JSON)
def test_any_payload_at_all_gives_some_markup(payload: Any) -> None:
    assert evidence_html("metric", "title", payload)
