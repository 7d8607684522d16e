"""Documents as Markdown, as their texts were written: citations and embeds stay what they are. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from knowledge.exports.document import Chapter, Cited, Document, Fact


def markdown(document: Document, texts: Sequence[str], introduction: str = "") -> str:
    """`texts` are the Markdown of the chapters, in their order."""
    parts = [f"# {document.title}", document.subtitle, _facts(document.facts)]
    if document.restricted:
        parts.append("**Restricted: for those who take part, and for admins.**")
    parts.append(introduction.strip())
    for chapter, text in zip(document.chapters, texts, strict=True):
        parts += _chapter(chapter, text)
    parts += _appendix(document.cited())
    if document.left_out:
        parts.append(f"_{document.left_out_note}_")
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(facts: Iterable[Fact]) -> str:
    return ", ".join(f"{fact.name} {fact.value}" for fact in facts)


def _chapter(chapter: Chapter, text: str) -> list[str]:
    severity = (Fact("Severity", chapter.severity),) if chapter.severity else ()
    parts = [f"## {chapter.head}", _facts((*severity, *chapter.facts))]
    if chapter.notes:
        parts.append("\n".join(f"> {line}" for line in chapter.notes.splitlines()))
    parts.append(deeper(text))
    if chapter.promises:
        rows = [
            f"- {one.key} {one.title} ({one.owner}, due {one.due}, {one.state.lower()})" for one in chapter.promises
        ]
        parts += ["### Follow-ups as they stand now", "\n".join(rows)]
    if chapter.questions:
        parts += ["### Questions for the audience", "\n".join(f"- {one}" for one in chapter.questions)]
    return parts


def _appendix(cited: Sequence[Cited]) -> list[str]:
    if not cited:
        return []
    rows = [f"| {one.key} | {_cell(one.title)} | {_cell(one.source)} | {one.times} | `{one.sha256}` |" for one in cited]
    return ["## Evidence cited", "\n".join(["| Item | What | From | When | SHA-256 |", "|---|---|---|---|---|", *rows])]


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


@dataclass
class _Fence:
    mark: str = ""


def deeper(body: str) -> str:
    """Headings one level down, outside fenced code, so that each text is one chapter."""
    fence, lines = _Fence(), []
    for line in body.splitlines():
        opened = line.lstrip()[:3]
        if opened in ("```", "~~~") and fence.mark in ("", opened):
            fence.mark = "" if fence.mark else opened
        plain = not fence.mark and line.startswith("#") and not line.startswith("######")
        lines.append(f"#{line}" if plain else line)
    return "\n".join(lines).strip()
