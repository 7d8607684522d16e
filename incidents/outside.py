"""A published post-mortem for people outside: chosen sections, no names of the team, nothing that is restricted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC

from accounts.models import User
from accounts.problems import InvalidInput
from incidents import diagrams, markdown
from incidents.embeds import evidence_html
from incidents.markdown_mentions import MENTION
from incidents.models import Evidence, ExternalLink, Incident
from incidents.naming import pictures_in, references, split
from incidents.rendering import draw_diagrams, inline_pictures
from incidents.writing.differences import sections

SOMEBODY = "a responder"
TITLE = 200
_GUIDANCE = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FIGURE = re.compile(r"(?m)^[ \t]*!\[\[[^\[\]\n]{1,600}\]\][ \t]*$")
# What a source was asked names things of the inside.
_QUERY = re.compile(r'<code class="q".*?</code>', re.DOTALL)
_INSIDE = re.compile(r"""\shref="(?!https?://|mailto:|#)[^"]*\"""")


@dataclass(frozen=True, slots=True)
class Outside:
    """`html` is safe to print. `withheld` counts figures whose evidence may not leave."""

    title: str
    html: str
    withheld: int
    is_empty: bool


def choices(body: str) -> list[str]:
    """The titles that may be chosen: those of the highest two levels."""
    return [*dict.fromkeys(part.title for part in _parts(_without_guidance(body)) if part.title)]


def check_choice(body: str, titles: Collection[str]) -> None:
    """Raises InvalidInput where the chosen sections would bring another one along."""
    chosen = _chosen(_without_guidance(body), titles)
    extra = _extra(markdown.render("\n\n".join(part.text for part in chosen)), chosen)
    if extra:
        said = "would also show the heading “{}”, which was not chosen; write it with three # or choose it too"
        raise InvalidInput("sections", said.format(extra[0][:TITLE]))


def render_outside(link: ExternalLink) -> Outside:
    postmortem = link.postmortem
    incident, chosen = postmortem.incident, _chosen(_without_guidance(postmortem.published_body), link.sections)
    body = "\n\n".join(part.text for part in chosen)
    if not link.with_figures:
        body = _FIGURE.sub("", body)
    body = _without_names(body)
    figures = _Figures(incident, body, allowed=link.with_figures)
    rendered = markdown.render(
        body,
        embed=figures.html,
        draw=_drawn if link.with_figures else None,
        shows_picture=figures.shows_picture,
        id_prefix="o-",
    )
    if _extra(rendered, chosen):
        # Cut where it should not be: nothing is shown rather than what nobody chose.
        return Outside(postmortem.published_title, "", 0, True)
    html = inline_pictures(rendered.html, incident) if figures.is_open else rendered.html
    html = _INSIDE.sub("", html)
    return Outside(postmortem.published_title, html, figures.withheld, not body.strip())


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands under one heading of the highest two levels, up to the next of them; `head` is the heading alone."""

    title: str
    head: str
    text: str


def _without_guidance(body: str) -> str:
    """Guidance goes first, so that no unfinished comment hides where a section ends."""
    return _GUIDANCE.sub("", body)


def _parts(body: str) -> list[_Part]:
    heads = [one for one in sections(body) if one.level <= 2]
    ends = [*(one.start for one in heads[1:]), len(body)] if heads else []
    return [
        _Part(one.title[:TITLE], body[one.start : one.inner], body[one.start : end])
        for one, end in zip(heads, ends, strict=True)
    ]


def _chosen(body: str, titles: Collection[str]) -> list[_Part]:
    wanted = set(titles)
    return [part for part in _parts(body) if part.title in wanted and part.title]


def _extra(rendered: markdown.Rendered, chosen: list[_Part]) -> list[str]:
    """Headings of the highest level that the page has and the chosen parts do not begin with."""
    known = markdown.render(_without_names("\n\n".join(part.head for part in chosen))).headings
    plain = markdown.render("\n\n".join(part.head for part in chosen)).headings
    had = Counter(one.title for one in known if one.level == 2) | Counter(one.title for one in plain if one.level == 2)
    return [*(Counter(one.title for one in rendered.headings if one.level == 2) - had)]


def _without_names(body: str) -> str:
    names = {one[1:] for one in MENTION.findall(body) if one.startswith("@")}
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True)) if names else set()
    return MENTION.sub(lambda found: SOMEBODY if found[0][1:] in known and found[0][0] == "@" else found[0], body)


def _drawn(sources: list[str]) -> list[str]:
    drawings = zip(draw_diagrams(sources), sources, strict=True)
    return [diagrams.html(one, source, place=place, prefix="o-") for place, (one, source) in enumerate(drawings)]


class _Figures:
    """Evidence that may leave: of an incident that is not restricted, neither redacted nor flagged."""

    def __init__(self, incident: Incident, body: str, *, allowed: bool) -> None:
        self.incident, self.withheld = incident, 0
        self.is_open = allowed and not incident.is_restricted
        rows = Evidence.objects.filter(incident=incident, number__in=references(body)["E"]) if self.is_open else []
        self.rows = {row.number: row for row in rows if not row.redactions and not row.flags}
        self.pictures = pictures_in(body, incident) if self.is_open else {}

    def shows_picture(self, address: str) -> bool:
        return address in self.pictures

    def html(self, reference: str, options: dict[str, str]) -> str:
        kind, number = split(reference)
        row = self.rows.get(number) if kind == "E" else None
        if row is None:
            self.withheld += 1
            return '<p class="sm mut">A figure was left out here.</p>'
        band = self.incident.band()
        html = evidence_html(row.type, row.title, row.payload, zone=UTC, band=band, options=options)
        return _QUERY.sub("", html)
