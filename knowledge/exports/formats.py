"""Which formats there are of what. Plain Python."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """`is_slow`: made by a worker, with progress; the others are answered at once."""

    name: str
    label: str
    extension: str
    content_type: str
    group: str = "Document"
    is_slow: bool = True


_OFFICE = "application/vnd.openxmlformats-officedocument"
PPTX = Format("pptx", "PowerPoint", "pptx", f"{_OFFICE}.presentationml.presentation", "Slides")
SLIDES = Format("html", "HTML slides, one file", "html", "text/html; charset=utf-8", "Slides")
PDF = Format("pdf", "PDF", "pdf", "application/pdf")
DOCX = Format("docx", "Word", "docx", f"{_OFFICE}.wordprocessingml.document")
PAGE = Format("page", "HTML page, one file", "html", "text/html; charset=utf-8")
ONE_PAGE = Format("html", "HTML page, one file", "html", "text/html; charset=utf-8")
MARKDOWN = Format("md", "Markdown", "md", "text/markdown; charset=utf-8", is_slow=False)
ICS = Format("ics", "Invitation", "ics", "text/calendar; charset=utf-8", "Calendar", is_slow=False)
JSON = Format("json", "JSON", "json", "application/json", "Data", is_slow=False)
CSV = Format("csv", "CSV", "csv", "text/csv; charset=utf-8", "Data", is_slow=False)


def _by_name(*formats: Format) -> dict[str, Format]:
    return {one.name: one for one in formats}


FORMATS: dict[str, dict[str, Format]] = {
    "brownbag": _by_name(PPTX, SLIDES, PDF, DOCX, PAGE, MARKDOWN, ICS),
    "postmortem": _by_name(PDF, DOCX, ONE_PAGE, MARKDOWN, JSON),
    "incidents": _by_name(PDF, DOCX, ONE_PAGE, MARKDOWN, CSV, JSON),
}
