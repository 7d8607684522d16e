"""Ten megabytes of mixed logs without their secrets, beside one pass of one compiled expression over the same."""

from __future__ import annotations

import re

from benchmarks.measure import Figure, figure, medians_side_by_side
from telemetry.redaction import DEFAULT
from tests.telemetry.mixed_logs import lines

# The obvious way: one alternative of the words that secrets stand behind.
OBVIOUS = re.compile(r"(?i)(?:password|secret|token|api_?key|authorization)[\"']?\s*[:=]\s*\S+")
AIM = 1.5


def figures() -> list[Figure]:
    texts = [line.text for line in lines(10, 1_000)]
    megabytes = sum(map(len, texts)) / 1e6

    def ours() -> None:
        for text in texts:
            DEFAULT.clean_text(text)

    def obvious() -> None:
        for text in texts:
            OBVIOUS.sub("[redacted]", text)

    taken, floor = medians_side_by_side([ours, obvious], times=3, warm=1)
    print(f"redactor: {megabytes / taken:.1f} MB/s, one expression: {megabytes / floor:.1f} MB/s")
    name = "redactor, 1 MB of mixed logs / one expression of one kind"
    return [figure(name, value=1_000 * taken / megabytes, floor=1_000 * floor / megabytes, unit="ms", aim=AIM)]
