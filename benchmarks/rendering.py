"""A 20 kB post-mortem with 20 embeds: the whole renderer beside Python-Markdown alone on the same text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import markdown as python_markdown

from benchmarks.measure import Figure, figure, median_seconds
from incidents import markdown
from incidents.embeds import evidence_html

START = datetime(2026, 11, 21, 6, 20, tzinfo=UTC)
PARAGRAPH = (
    "The pods of `checkout` restarted because **/healthz** opens a connection to orders-db [[E-{n}]], "
    "and the liveness probe calls it every second. See [the runbook](https://example.org/runbook). "
)


def text() -> str:
    parts = []
    for n in range(1, 21):
        parts += [
            f"## Section {n}",
            PARAGRAPH.format(n=n) * 4,
            "- first\n- second\n- third",
            f'![[E-{n} caption="Chart {n}"]]',
        ]
    return "\n\n".join(parts)


def payload() -> dict:
    points = [[(START + timedelta(seconds=15 * k)).timestamp(), 0.8 + (k % 7) / 10] for k in range(170)]
    return {
        "expr": "sum(rate(http_requests_total[1m]))",
        "unit": "%",
        "step_seconds": 15,
        "series": [{"labels": {"job": "checkout"}, "points": points}],
        "baseline": [],
        "window": {"start": START.isoformat(), "end": (START + timedelta(minutes=42)).isoformat()},
    }


def figures() -> list[Figure]:
    body, chart = text(), payload()
    band = (START + timedelta(minutes=17), START + timedelta(minutes=24))

    def whole() -> markdown.Rendered:
        return markdown.render(
            body,
            resolve=lambda ref: markdown.Reference(href=f"/{ref}", title=ref),
            embed=lambda ref, options: evidence_html("metric", ref, chart, zone=UTC, band=band),
        )

    rendered = whole()
    assert rendered.html.count("<svg") == 20, "every embed must be drawn"
    assert not rendered.refused
    extensions = ["tables", "fenced_code", "footnotes", "sane_lists"]
    floor = median_seconds(lambda: python_markdown.markdown(body, extensions=extensions), times=20)
    value = median_seconds(whole, times=20)
    name = f"render {len(body.encode()) / 1000:.0f} kB with 20 charts / Python-Markdown alone"
    return [figure(name, value=value * 1000, floor=floor * 1000, unit="ms", aim=4.0)]
