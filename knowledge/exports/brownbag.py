"""The report of a session: Markdown as written, or one standalone HTML file with charts and no outside reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import User
from incidents import markdown
from incidents.durations import PAIRS, between, spoken
from incidents.rendering import inline_pictures, render_document
from knowledge.models import BrownBagItem, BrownBagSession


@dataclass(frozen=True, slots=True)
class Format:
    label: str
    extension: str
    content_type: str


FORMATS = {
    "md": Format("Markdown", "md", "text/markdown; charset=utf-8"),
    "html": Format("HTML, one file", "html", "text/html; charset=utf-8"),
}


def export(session: BrownBagSession, items: list[BrownBagItem], *, form: str, person: User, left_out: int = 0) -> str:
    """The whole report as text; `items` are those that `person` may see."""
    build = {"md": _markdown, "html": _html}[form]
    return build(session, items, person, left_out)


def _markdown(session: BrownBagSession, items: list[BrownBagItem], person: User, left_out: int) -> str:
    parts = [f"# {_line(session.title)}"]
    facts = [
        f"{session.held_at:%Y-%m-%d %H:%M} UTC" if session.held_at else "",
        f"hosted by {_line(session.host.display_name)}" if session.host else "",
        f"for {_line(session.audience)}" if session.audience else "",
    ]
    parts.append(", ".join(fact for fact in facts if fact))
    parts.append(session.introduction.strip())
    for item in items:
        parts.append(_postmortem_markdown(item) if item.postmortem else _lesson_markdown(item))
    if left_out:
        parts.append(f"_{left_out} restricted items were left out._")
    return "\n\n".join(part for part in parts if part) + "\n"


def _postmortem_markdown(item: BrownBagItem) -> str:
    postmortem = item.postmortem
    assert postmortem is not None  # noqa: S101 - the caller chose by it
    incident = postmortem.incident
    body = postmortem.published_body or postmortem.body
    draft = "" if postmortem.is_published else " (draft)"
    head = f"## {incident.key} {_line(postmortem.published_title or postmortem.title)}{draft}"
    numbers = ", ".join(f"{name} {text}" for name, _, text in _durations(incident))
    facts = f"{incident.severity.name}{', ' + numbers if numbers else ''}"
    notes = f"> {' '.join(item.notes.split())}" if item.notes.strip() else ""
    return "\n\n".join(part for part in (head, facts, notes, _deeper(body)) if part)


def _lesson_markdown(item: BrownBagItem) -> str:
    lesson = item.lesson
    assert lesson is not None  # noqa: S101 - the caller chose by it
    notes = f"> {' '.join(item.notes.split())}" if item.notes.strip() else ""
    return "\n\n".join(part for part in (f"## {lesson.key} {_line(lesson.statement)}", notes, lesson.context) if part)


def _deeper(body: str) -> str:
    """Headings one level down, outside fenced code, so that each post-mortem is one chapter."""
    fenced, lines = False, []
    for line in body.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        lines.append(f"#{line}" if not fenced and line.startswith("#") and not line.startswith("######") else line)
    return "\n".join(lines).strip()


def _line(text: str) -> str:
    return " ".join(text.split())


def _durations(incident: Any) -> list[tuple[str, str, str]]:
    took = between(incident.milestone_times())
    return [(name, full, spoken(took[name] or 0)) for name, (_, _, full) in PAIRS.items() if took[name] is not None]


def _html(session: BrownBagSession, items: list[BrownBagItem], person: User, left_out: int) -> str:
    chapters = []
    for place, item in enumerate(items):
        postmortem = item.postmortem
        if postmortem is not None:
            body = postmortem.published_body or postmortem.body
            document = render_document(body, incident=postmortem.incident, person=person, id_prefix=f"c{place}-")
            document = replace(document, html=inline_pictures(document.html, postmortem.incident))
            durations = _durations(postmortem.incident)
        else:
            document = markdown.render(item.lesson.context if item.lesson else "", id_prefix=f"c{place}-")
            durations = []
        title = (postmortem.published_title or postmortem.title) if postmortem else ""
        chapters.append({"item": item, "document": document, "durations": durations, "title": title})
    css = finders.find("debrief/debrief.css")
    style = _standalone(Path(css).read_text(encoding="utf-8")) if isinstance(css, str) else ""
    context = {
        "session": session,
        "chapters": chapters,
        "introduction": markdown.render(session.introduction, id_prefix="intro-"),
        "left_out": left_out,
        "style": style,
        "made_at": timezone.now(),
    }
    return render_to_string("exports/brownbag.html", context)


def _standalone(css: str) -> str:
    """The page's own style sheet without its fonts, which a file that stands alone cannot bring along by address."""
    parts, place = [], 0
    while (start := css.find("@font-face", place)) >= 0:
        parts.append(css[place:start])
        place = css.find("}", start) + 1
    return "".join([*parts, css[place:]]).replace("</", "<\\/")
