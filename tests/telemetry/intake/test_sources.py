"""The same told to two sources is kept by both, and told again to one of them once."""

from __future__ import annotations

import json

import pytest

from telemetry import intake
from telemetry.models import LogRecord, Span
from telemetry.otlp.decode import JSON, decode_logs, decode_traces
from tests.builders import NOW, make_source
from tests.telemetry.otlp.test_decode import make_logs, make_record, make_span, make_traces

pytestmark = pytest.mark.django_db


def test_logs_and_spans_are_kept_once_by_each_source_that_is_told_them() -> None:
    logs = decode_logs(json.dumps(make_logs(make_record())).encode(), JSON).rows
    spans = decode_traces(json.dumps(make_traces(make_span())).encode(), JSON).rows
    sources = [make_source(kind="otlp", name=name) for name in ("Production", "Staging")]
    for source in sources * 2:
        assert intake.store_logs(logs, source, NOW) == {}
        assert intake.store_spans(spans, source, NOW) == {}
    owners = [source.pk for source in sources]
    assert sorted(LogRecord.objects.values_list("source", flat=True)) == owners
    assert sorted(Span.objects.values_list("source", flat=True)) == owners
