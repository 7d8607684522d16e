"""What an office program makes of the files: every slide and page is there, and none is empty."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from knowledge.exports.slides import slides_of
from knowledge.exports.subjects import prepare
from knowledge.exports.writing import write
from tests.builders import make_brownbag, make_person
from tests.knowledge.sessions import make_story
from tests.system import program

pytestmark = pytest.mark.django_db


@pytest.mark.real_server("loimpress", "lowriter")
def test_libreoffice_shows_every_slide_and_every_page(tmp_path: Path) -> None:
    session = make_brownbag(items=[{"postmortem": make_story(1, charts=2)}])
    prepared = prepare("brownbag", session.pk, {}, make_person("ada"))
    for form in ("pptx", "docx"):
        (tmp_path / f"file-{form}.{form}").write_bytes(write(prepared, "brownbag", form))
    home = f"-env:UserInstallation=file://{tmp_path}/home"
    files = [str(tmp_path / f"file-{form}.{form}") for form in ("pptx", "docx")]
    command = [program("soffice") or "soffice", "--headless", home, "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=120)
    deck, handout = (PdfReader(tmp_path / f"file-{form}.pdf") for form in ("pptx", "docx"))
    assert len(deck.pages) == len(slides_of(prepared.document))
    for number, page in enumerate(deck.pages, start=1):
        words = page.extract_text()
        assert str(number) in words
        assert len(words.split()) > 3
    assert all(len(page.extract_text().strip()) > 20 for page in handout.pages)
    assert sum(len(page.images) for page in handout.pages) >= 4
