"""One writer for each format; all take what was prepared and give bytes."""

from __future__ import annotations

import json
from collections.abc import Callable

from knowledge.exports.calendar import ics
from knowledge.exports.formats import FORMATS
from knowledge.exports.incident_lists import incidents_csv, incidents_markdown
from knowledge.exports.markdown_text import markdown
from knowledge.exports.page_file import page_file
from knowledge.exports.powerpoint import powerpoint
from knowledge.exports.problems import ExportProblem
from knowledge.exports.slide_file import slide_file
from knowledge.exports.subjects import Prepared
from knowledge.exports.typesetting import pdf
from knowledge.exports.word import docx


def write(prepared: Prepared, subject: str, form: str) -> bytes:
    """Raises ExportProblem with the reason; KeyError for a format that `subject` has not."""
    if form not in FORMATS[subject]:
        raise KeyError(form)
    return _WRITERS[(subject, form)](prepared) if (subject, form) in _WRITERS else _WRITERS[("", form)](prepared)


def _ics(prepared: Prepared) -> bytes:
    if prepared.invitation is None:
        raise ExportProblem("The session has no date yet; give it one, then the invitation can be made.")
    return ics(prepared.invitation)


def _json(data: object) -> bytes:
    return json.dumps(data, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


_WRITERS: dict[tuple[str, str], Callable[[Prepared], bytes]] = {
    ("", "pptx"): lambda prepared: powerpoint(prepared.document),
    ("", "pdf"): lambda prepared: pdf(prepared.document),
    ("", "docx"): lambda prepared: docx(prepared.document),
    ("", "page"): lambda prepared: page_file(prepared.document),
    ("", "html"): lambda prepared: page_file(prepared.document),
    ("", "md"): lambda prepared: markdown(prepared.document, prepared.texts, prepared.introduction).encode(
        "utf-8", "replace"
    ),
    ("", "ics"): _ics,
    ("brownbag", "html"): lambda prepared: slide_file(prepared.document),
    ("postmortem", "json"): lambda prepared: _json(prepared.data),
    ("incidents", "csv"): lambda prepared: incidents_csv(prepared.rows),
    ("incidents", "json"): lambda prepared: _json({"incidents": prepared.rows}),
    ("incidents", "md"): lambda prepared: incidents_markdown(prepared.rows).encode("utf-8", "replace"),
}
