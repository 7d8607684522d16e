"""DOCX by pandoc, called as a program that may read nothing but what it is given, with a reference document of ours."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import tempfile
import zipfile
from functools import cache
from html import escape
from pathlib import Path

from knowledge.exports import pictures
from knowledge.exports.document import Document, Figure
from knowledge.exports.handout_html import body_html
from knowledge.exports.problems import ExportProblem
from knowledge.exports.stable import settle_office

DEADLINE = 90
MEMORY = "-M1g"
WIDE, HIGH = 620, 640
FONT, MONO = "Arial", "Courier New"
_SIZES = {"Title": 52, "Heading1": 34, "Heading2": 26, "Heading3": 22, "Heading4": 20, "Heading5": 20}
_QUIET = {"ImageCaption", "TableCaption", "Subtitle", "Author", "Date"}
_FOOTER = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:ftr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p><w:pPr><w:jc w:val="right"/></w:pPr>
<w:r><w:rPr><w:color w:val="626C7B"/><w:sz w:val="16"/></w:rPr><w:t xml:space="preserve">Made with Debrief   </w:t></w:r>
<w:r><w:rPr><w:sz w:val="16"/></w:rPr><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> PAGE </w:instrText></w:r>
<w:r><w:rPr><w:sz w:val="16"/></w:rPr><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:rPr><w:sz w:val="16"/></w:rPr><w:t>1</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p></w:ftr>"""


class Drawn:
    """Pictures in waiting: pandoc gets one pixel for each, which costs it nothing, and the real ones are put in its place
    afterwards. Whole pictures as addresses of data took it a gigabyte."""

    def __init__(self) -> None:
        self.real: dict[bytes, bytes] = {}

    def __call__(self, figure: Figure) -> str:
        """Twice as fine as it is shown; nothing where the picture cannot be read."""
        picture = pictures.png_of(figure, always_png=True)
        if picture is None:
            return ""
        across, up = pictures.size_of(picture)
        share = min(1.0, WIDE / across, HIGH / up) if not figure.svg else min(WIDE / across, HIGH / up)
        pixel = pictures.pixel(len(self.real))
        self.real[pixel] = picture
        data, size = base64.b64encode(pixel).decode(), f'width="{round(across * share)}" height="{round(up * share)}"'
        return f'<img src="data:image/png;base64,{data}" alt="{escape(figure.alt)}" {size}>'


def docx(document: Document) -> bytes:
    drawn = Drawn()
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(document.title)}</title></head>'
        f"<body>{body_html(document, draw=drawn)}</body></html>"
    )
    with tempfile.TemporaryDirectory(prefix="debrief-docx-") as name:
        reference = Path(name) / "reference.docx"
        reference.write_bytes(_reference())
        made = pandoc(
            ["--from", "html", "--to", "docx", "--reference-doc", str(reference), "--output", "-"],
            html.encode("utf-8", "replace"),
            folder=name,
        )
    return settle_office(_finished(made, drawn), document.at)


def pandoc(arguments: list[str], given: bytes, *, folder: str) -> bytes:
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "+RTS", MEMORY, "-RTS", "--sandbox", *arguments]
    try:
        ran = subprocess.run(  # noqa: S603
            command, input=given, capture_output=True, timeout=DEADLINE, check=False, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise ExportProblem(f"Writing DOCX took longer than {DEADLINE} s; export fewer post-mortems at once.") from None
    if ran.returncode:
        told = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ExportProblem(f"pandoc failed: {told[-1][:300] if told else f'it ended with {ran.returncode}'}")
    return ran.stdout


@cache
def _reference() -> bytes:
    """The document whose styles the others take: pandoc's own in Debrief's fonts and colours, with page numbers."""
    with tempfile.TemporaryDirectory(prefix="debrief-docx-") as name:
        default = pandoc(["--print-default-data-file", "reference.docx"], b"", folder=name)
    with zipfile.ZipFile(io.BytesIO(default)) as old:
        parts = {entry: old.read(entry) for entry in old.namelist()}
    parts["word/styles.xml"] = _styles(parts["word/styles.xml"].decode()).encode()
    parts["word/theme/theme1.xml"] = re.sub(
        rb'<a:latin typeface="[^"]*"', f'<a:latin typeface="{FONT}"'.encode(), parts["word/theme/theme1.xml"]
    )
    parts["word/footer1.xml"] = _FOOTER.encode()
    relation = b'<Relationship Id="rIdFooter1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer" Target="footer1.xml"/></Relationships>'
    parts["word/_rels/document.xml.rels"] = parts["word/_rels/document.xml.rels"].replace(b"</Relationships>", relation)
    kind = b'<Override PartName="/word/footer1.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"/></Types>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", kind)
    parts["word/document.xml"] = re.sub(
        rb"<w:sectPr\b[^>]*?(?:/>|>.*?</w:sectPr>)", _SECTION, parts["word/document.xml"], flags=re.DOTALL
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry, body in parts.items():
            new.writestr(entry, body)
    return out.getvalue()


_SECTION = (
    b'<w:sectPr><w:footerReference w:type="default" r:id="rIdFooter1" '
    b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"/><w:pgSz w:w="11906" w:h="16838"/>'
    b'<w:pgMar w:top="1134" w:right="1247" w:bottom="1134" w:left="1247" w:header="600" w:footer="500" w:gutter="0"/></w:sectPr>'
)


def _styles(styles: str) -> str:
    def restyled(found: re.Match[str]) -> str:
        style, name = found[0], found[1]
        size = _SIZES.get(name) or (16 if name in _QUIET else 0)
        if name in _SIZES:
            style = _with_run(style, f'<w:b/><w:color w:val="1A202C"/><w:sz w:val="{size}"/><w:szCs w:val="{size}"/>')
        elif name in _QUIET:
            style = _with_run(style, '<w:color w:val="4A5464"/><w:sz w:val="17"/><w:szCs w:val="17"/>')
        elif name in ("VerbatimChar", "SourceCode"):
            style = _with_run(style, f'<w:rFonts w:ascii="{MONO}" w:hAnsi="{MONO}" w:cs="{MONO}"/><w:sz w:val="17"/>')
        elif name == "Hyperlink":
            style = _with_run(style, '<w:color w:val="3353BF"/>')
        if name == "Title":
            style = style.replace('w:jc w:val="center"', 'w:jc w:val="left"')
        if name == "Heading1":
            style = style.replace("<w:keepNext />", "<w:keepNext /><w:pageBreakBefore />").replace(
                "<w:keepNext/>", "<w:keepNext/><w:pageBreakBefore/>"
            )
        return style

    styles = re.sub(r'(<w:rPrDefault>.*?<w:sz w:val=)"\d+"', r'\1"20"', styles, count=1, flags=re.DOTALL)
    return re.sub(r'<w:style\b[^>]*w:styleId="(\w+)"[^>]*>.*?</w:style>', restyled, styles, flags=re.DOTALL)


def _with_run(style: str, inside: str) -> str:
    bare = re.sub(r"<w:rPr>.*?</w:rPr>|<w:rPr\s*/>", "", style, flags=re.DOTALL)
    return bare.replace("</w:style>", f"<w:rPr>{inside}</w:rPr></w:style>")


def _finished(made: bytes, drawn: Drawn) -> bytes:
    """The real pictures, and tables with hairlines between their rows, which pandoc leaves to the reader's program."""
    with zipfile.ZipFile(io.BytesIO(made)) as old:
        parts = {entry: old.read(entry) for entry in old.namelist()}
    borders = (
        '<w:tblBorders><w:bottom w:val="single" w:sz="4" w:color="C6CCD6"/>'
        '<w:insideH w:val="single" w:sz="4" w:color="E3E6EB"/></w:tblBorders>'
    )
    body = parts["word/document.xml"].decode()
    body = re.sub(r"(<w:tblW\b[^>]*/>)", r"\1" + borders, body)
    body = re.sub(r"<w:tr>(?!\s*<w:trPr>)", "<w:tr><w:trPr><w:cantSplit/></w:trPr>", body)
    parts["word/document.xml"] = body.encode()
    core = parts["docProps/core.xml"]
    parts["docProps/core.xml"] = re.sub(
        rb"<dc:creator>.*?</dc:creator>|<dc:creator */>", b"<dc:creator>Debrief</dc:creator>", core
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry, content in parts.items():
            new.writestr(entry, drawn.real.get(content, content))
    return out.getvalue()
