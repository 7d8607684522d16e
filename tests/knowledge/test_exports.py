"""Every format of a session with charts, tables, code, long and hostile text, made and opened again."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import icalendar
import pytest
from lxml import etree
from pptx import Presentation
from pypdf import PdfReader
from pytest_django import DjangoAssertNumQueries

from accounts.problems import InvalidInput
from knowledge.actions.session import answer_invitation
from knowledge.exports.calendar import folded
from knowledge.exports.document import Document, figures_in, text_of
from knowledge.exports.fragments import Reader
from knowledge.exports.slides import slides_of
from knowledge.exports.subjects import Prepared, prepare
from knowledge.exports.writing import write
from tests.builders import NOW, make_brownbag, make_incident, make_lesson, make_person
from tests.knowledge.sessions import make_full_session, make_story

pytestmark = pytest.mark.django_db
WORD_SPACE = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"


@pytest.fixture
def session() -> Prepared:
    row = make_full_session(2, charts=2)
    return prepare("brownbag", row.pk, {}, make_person("ada"))


def drawn(document: Document) -> int:
    return sum(figure.is_drawn for figure in document.figures())


def without_breaks(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


def test_powerpoint_has_every_figure_with_words_charts_with_numbers_and_notes(session: Prepared) -> None:
    deck = Presentation(io.BytesIO(write(session, "brownbag", "pptx")))
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    charts = [shape for shape in shapes if shape.has_chart]
    pictures = [shape for shape in shapes if shape.shape_type == 13]
    assert len(charts) == 4
    assert len(charts) + len(pictures) == drawn(session.document)
    assert all(shape._element.xpath("string(.//p:cNvPr/@descr)") for shape in [*charts, *pictures])
    assert len(list(charts[0].chart.plots[0].series[0].values)) > 100
    assert all(slide.shapes.title.text.strip() for slide in deck.slides)
    assert any(
        "Begin with the customer." in slide.notes_slide.notes_text_frame.text
        for slide in deck.slides
        if slide.has_notes_slide
    )
    assert len(deck.slides) == len(slides_of(session.document))


def test_no_slide_is_empty_and_no_word_of_a_text_is_missing(session: Prepared) -> None:
    deck = Presentation(io.BytesIO(write(session, "brownbag", "pptx")))
    told = without_breaks(
        "".join(
            node.text or ""
            for slide in deck.slides
            for node in slide._element.iter()
            if etree.QName(node).localname == "t"
        )
    )
    for chapter in session.document.chapters:
        for section in chapter.sections:
            for line in text_of(section.blocks).splitlines():
                for word in line.split():
                    assert without_breaks(word) in told
    for slide in slides_of(session.document):
        assert slide.pieces or slide.figure or slide.kind in {"cover", "chapter", "lesson"}


def test_html_slides_stand_alone_and_run_no_word_of_a_person(session: Prepared) -> None:
    html = write(session, "brownbag", "html").decode()
    assert html.count('<section class="deck-slide">') == len(slides_of(session.document))
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    pages = html.split("<script>")[0]
    assert not re.search(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?!data:)", pages)
    assert not re.search(r"url\(\"?+(?!data:|#)", html.split("</style>")[0])
    assert pages.count('role="img" aria-label="') + pages.count("<img ") == drawn(session.document)


def test_the_page_as_one_file_stands_alone(session: Prepared) -> None:
    html = write(session, "brownbag", "page").decode()
    assert "<script" not in html
    assert not re.search(r"url\((?!data:|#)", html)
    assert html.count('role="img" aria-label="') == drawn(session.document)


def test_pdf_is_tagged_has_words_for_its_drawings_and_counts_its_pages(session: Prepared) -> None:
    reader = PdfReader(io.BytesIO(write(session, "brownbag", "pdf")))
    pages = [page.extract_text() for page in reader.pages]
    assert all(len(page.strip()) > 40 for page in pages)
    assert reader.metadata is not None
    assert reader.metadata.title == session.document.title
    assert f"2 / {len(pages)}" in pages[1]
    figures, waiting = [], [reader.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        node: Any = waiting.pop()
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            figures += [node] if node.get("/S") == "/Figure" else []
            waiting += [node["/K"]] if "/K" in node else []
    assert len(figures) == drawn(session.document)
    assert all(figure.get("/Alt") for figure in figures)
    assert "Evidence cited" in "".join(pages)


def test_word_has_every_figure_with_words(session: Prepared) -> None:
    with zipfile.ZipFile(io.BytesIO(write(session, "brownbag", "docx"))) as archive:
        body = etree.fromstring(archive.read("word/document.xml"))
        media = [archive.read(name) for name in archive.namelist() if name.startswith("word/media/")]
    told = [one.get("descr") for one in body.iter(f"{DRAWING}docPr")]
    assert len(told) == drawn(session.document)
    assert all(told)
    assert min(len(one) for one in media) > 1_000
    text = "".join(node.text or "" for node in body.iter(f"{WORD_SPACE}t"))
    assert "<script>alert(1)</script>" in without_breaks(text)
    assert "Evidence cited" in text


def test_markdown_keeps_citations_notes_and_the_state_of_follow_ups(session: Prepared) -> None:
    text = write(session, "brownbag", "md").decode()
    assert "![[E-1 caption=" in text
    assert "> Begin with the customer." in text
    assert "### Follow-ups as they stand now" in text
    assert "## Evidence cited" in text


def test_the_invitation_is_read_by_a_strict_reader() -> None:
    host = make_person("ada", name='Ada "the Lock", Okafor; née 🔥')
    row = make_brownbag(
        title="Probes, and; what\\they\nwait for " + "ü" * 80, held_at=NOW, minutes=45, place="Kitchen, 2", host=host
    )
    data = write(prepare("brownbag", row.pk, {}, host), "brownbag", "ics")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    event = icalendar.Calendar.from_ical(data).walk("VEVENT")[0]
    assert (event["UID"], event["SEQUENCE"]) == (f"{row.calendar_uid}@debrief", 0)
    assert str(event["SUMMARY"]) == row.title
    assert (event.decoded("DTEND") - event.decoded("DTSTART")).seconds == 45 * 60
    assert str(event["LOCATION"]) == "Kitchen, 2"


def test_an_invitation_names_no_attendee() -> None:
    row, ben = make_brownbag(held_at=NOW, host=make_person("ada")), make_person("ben", email="ben@example.com")
    answer_invitation(session=row, answer="yes", by=ben, now=NOW)
    data = write(prepare("brownbag", row.pk, {}, make_person("cy")), "brownbag", "ics")
    assert (b"METHOD:PUBLISH" in data, b"ATTENDEE" in data, b"ben@example.com" in data) == (True, False, False)


def test_a_session_in_a_far_year_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expected a time between 2000 and 2100"):
        make_brownbag(held_at=NOW.replace(year=9999))


@pytest.mark.parametrize("line", ["x" * 300, "🔥" * 60, "SUMMARY:" + "é" * 200])
def test_folding_loses_nothing(line: str) -> None:
    assert folded(line).replace("\r\n ", "") == line


def test_a_moved_session_replaces_the_earlier_entry() -> None:
    from knowledge.actions.brownbag import save_brownbag

    row = make_brownbag(held_at=NOW)
    save_brownbag(by=make_person("ada"), session=row, audience="everyone")
    assert row.calendar_sequence == 0
    save_brownbag(by=make_person("ada"), session=row, place="Kitchen 3")
    assert row.calendar_sequence == 1


@pytest.mark.parametrize("form", ["pptx", "docx", "pdf", "html", "page", "md", "ics"])
def test_the_same_content_gives_the_same_bytes(form: str) -> None:
    row = make_brownbag(items=[{"postmortem": make_story(0, charts=1)}], held_at=NOW)
    first, again = (write(prepare("brownbag", row.pk, {}, make_person("ada")), "brownbag", form) for _ in range(2))
    assert first == again


def test_what_is_restricted_is_left_out_with_its_count_in_every_format() -> None:
    hidden = make_story(3, charts=1, visibility="restricted", title="Zebra crossing of the ledger")
    row = make_brownbag(items=[{"postmortem": hidden}, {"lesson": make_lesson()}], held_at=NOW)
    prepared = prepare("brownbag", row.pk, {}, make_person("cy"))
    assert prepared.document.left_out == 1
    assert "Zebra" not in str(prepared)
    assert "1 restricted item was left out" in write(prepared, "brownbag", "page").decode()
    assert "1 restricted item was left out" in write(prepared, "brownbag", "md").decode()
    assert "Zebra" in str(prepare("brownbag", row.pk, {}, make_person("ada")))


def test_an_invitation_names_no_restricted_title() -> None:
    hidden = make_story(3, charts=1, visibility="restricted", title="Zebra crossing of the ledger")
    row = make_brownbag(items=[{"postmortem": hidden}], held_at=NOW)
    assert b"Zebra" not in write(prepare("brownbag", row.pk, {}, make_person("ada")), "brownbag", "ics")


def test_a_post_mortem_is_exported_in_each_format() -> None:
    prepared = prepare("postmortem", make_story(1, charts=1).pk, {}, make_person("cy"))
    assert write(prepared, "postmortem", "pdf").startswith(b"%PDF")
    assert write(prepared, "postmortem", "docx").startswith(b"PK")
    assert b"&lt;script&gt;" in write(prepared, "postmortem", "html")
    assert b"## Contributing factors" in write(prepared, "postmortem", "md")
    data = json.loads(write(prepared, "postmortem", "json"))
    assert (data["incident"], data["severity"], len(data["followups"])) == ("INC-1", "SEV2", 3)
    assert data["evidence"][0]["sha256"] == "0" * 64


def test_a_list_of_incidents_is_exported_as_it_was_narrowed() -> None:
    make_incident(title='=HYPERLINK("http://evil.example","x")')
    make_incident(title="Another", severity="SEV4")
    prepared = prepare("incidents", 0, {"severity": "SEV2"}, make_person("cy"))
    csv = write(prepared, "incidents", "csv").decode("utf-8-sig")
    assert "\"'=HYPERLINK(" in csv
    assert "Another" not in csv
    assert [row["key"] for row in json.loads(write(prepared, "incidents", "json"))["incidents"]] == ["INC-1"]
    assert write(prepared, "incidents", "pdf").startswith(b"%PDF")
    assert write(prepared, "incidents", "docx").startswith(b"PK")


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "|x", "%0A"])
def test_a_cell_of_csv_is_never_a_formula(title: str) -> None:
    from knowledge.exports.incident_lists import incidents_csv

    assert not re.search(r"(?m)(?:^|,|\")[=+\-@\t|%]", incidents_csv([{"title": title}]).decode("utf-8-sig"))


def test_a_list_of_incidents_takes_no_query_for_each(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for place in range(6):
        make_incident(title=f"No {place}")
    with django_assert_max_num_queries(4):
        prepare("incidents", 0, {}, make_person("cy"))


def test_a_fragment_keeps_lists_tables_callouts_and_code() -> None:
    blocks = Reader("http://debrief.example").blocks(
        '<h2>A</h2><p>x <a href="/incidents/1/">INC-1</a> <a href="javascript:x">y</a></p><ul><li>one<ul><li>two</li></ul></li></ul>'
        '<div class="callout callout-tip"><p class="callout-title">Tip</p><p>do</p></div><pre><code class="language-sql">select 1\n</code></pre>'
    )
    assert text_of(blocks) == "A\nx INC-1 y\none\ntwo\nTip\ndo\nselect 1"
    assert [span.href for span in blocks[1].spans if span.href] == ["http://debrief.example/incidents/1/"]  # type: ignore[union-attr]
    assert list(figures_in(blocks)) == []
