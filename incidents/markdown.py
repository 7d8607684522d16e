"""The one renderer and sanitizer of Markdown: pages, previews, exports and comments all come through here.

Three walls, each enough alone: raw HTML is text (incidents/markdown_syntax.py), what comes out passes an
allow-list (nh3), and the pages' Content-Security-Policy runs no inline script. Texts over a limit of
incidents/markdown_bounds.py are refused with the reason and shown as they were typed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import nh3
from markdown import Markdown
from markdown.extensions.admonition import AdmonitionExtension
from markdown.extensions.footnotes import FootnoteExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension

from incidents.markdown_bounds import SIZE, Refused, check_size
from incidents.markdown_syntax import REFERENCE, Job, Reference, Syntax, split

__all__ = ["REFERENCE", "Heading", "Reference", "Rendered", "excerpt", "render"]

Resolve = Callable[[str], Reference | None]
EmbedHtml = Callable[[str, dict[str, str]], str | None]
DrawDiagrams = Callable[[list[str]], list[str]]

_TAG_WORDS = """
a b blockquote br caption code del div em figcaption figure h2 h3 h4 h5 h6 hr i img input ins kbd li mark ol p pre
s span strong sub sup table tbody td tfoot th thead tr ul
"""
_CLASS_WORDS = """
ev is-unknown mention end fig fig-diagram footnote footnote-ref footnote-backref task-list
callout callout-title callout-note callout-tip callout-important callout-warning callout-caution
"""
_TAGS, _CLASSES = set(_TAG_WORDS.split()), set(_CLASS_WORDS.split())
_ATTRIBUTES = {
    "*": {"id", "class"},
    "a": {"href", "title"},
    "span": {"title"},
    "img": {"src", "alt", "title"},
    "input": {"type", "disabled", "checked", "aria-label"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_LANGUAGE = re.compile(r"language-[\w+#.-]{1,30}")
# Headings, embeds, table rules and link definitions are no prose; markers before prose go.
_NO_PROSE = re.compile(r"\s*(?:#|!\[\[|!!!|[>\s]*\[![A-Za-z]+\]|[|:\- ]+$|\[[^\]]{0,80}\]:)")
_MARKERS = re.compile(r"^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(?:\[[ xX]\]\s+)?")
_LOCAL = threading.local()


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` is 2–6; `id` is the anchor on the page, prefix included."""

    level: int
    title: str
    id: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """`html` is safe to print. `refused` is empty, or says which limit the text is over."""

    html: str
    citations: tuple[str, ...] = ()
    embeds: tuple[str, ...] = ()
    headings: tuple[Heading, ...] = ()
    refused: str = ""


def render(
    text: str,
    *,
    resolve: Resolve | None = None,
    embed: EmbedHtml | None = None,
    draw: DrawDiagrams | None = None,
    shows_picture: Callable[[str], bool] | None = None,
    id_prefix: str = "",
) -> Rendered:
    """Markdown to safe HTML.

    `resolve` says where a citation or a mention (`@ada`) leads, `embed` gives the trusted inside of a figure (None: it
    cannot be shown), `draw` the trusted drawings of all Mermaid sources at once (without it they are code), `shows_picture`
    which pictures of this server stand in the text; others become links. Ids start with `md-` and `id_prefix`, so that no heading can take the id of a part of the page.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    job = Job(resolve, draws_diagrams=draw is not None, shows_picture=shows_picture)
    try:
        check_size(text)
        html, headings = _parse(split(text, job), job)
    except Refused as refusal:
        return _refuse(text, str(refusal))
    except RecursionError:
        return _refuse(text, "The text nests its quotes, lists or emphasis too deeply.")
    prefix = f"md-{id_prefix}"
    named = [*job.references.values(), *job.mentions.values()]
    html = _sanitise(html, prefix, {row.href for row in named if row})
    return Rendered(
        html=_fill(html, job, embed, draw),
        citations=tuple(job.references),
        embeds=tuple(dict.fromkeys(item.ref for item in job.embeds)),
        headings=tuple(Heading(level, title, prefix + name) for level, title, name in headings),
    )


def _parse(text: str, job: Job) -> tuple[str, list[tuple[int, str, str]]]:
    engine: tuple[Markdown, Syntax] | None = getattr(_LOCAL, "engine", None)
    if engine is None:
        syntax = Syntax()
        extensions = [
            TableExtension(use_align_attribute=True),
            FootnoteExtension(BACKLINK_TITLE="Back to the text"),
            AdmonitionExtension(),
            SaneListExtension(),
            syntax,
        ]
        engine = _LOCAL.engine = Markdown(extensions=extensions, output_format="html"), syntax
    md, syntax = engine
    syntax.begin(job)
    try:
        return md.reset().convert(text), syntax.headings
    except BaseException:
        # A parse that broke off leaves its state behind.
        del _LOCAL.engine
        raise


def _sanitise(html: str, prefix: str, own: set[str]) -> str:
    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "class":
            kept = [word for word in value.split() if word in _CLASSES or _LANGUAGE.fullmatch(word)]
            return " ".join(kept) or None
        if name == "id":
            return prefix + value if re.fullmatch(r"[\w:.-]{1,120}", value) else None
        if name == "href" and value.startswith("#") and value not in own:
            return f"#{prefix}{value[1:]}"
        if name == "align":
            return value if value in ("left", "center", "right") else None
        if tag == "input" and name == "type":
            return value if value == "checkbox" else None
        if name == "start":
            return value if value.isdecimal() and len(value) < 10 else None
        return value

    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def _fill(html: str, job: Job, embed: EmbedHtml | None, draw: DrawDiagrams | None) -> str:
    """Trusted figures take the place of their nonce; only this render knows it, so no text can hold one."""

    def figure(found: re.Match[str]) -> str:
        item = job.embeds[int(found[1])]
        inside = embed(item.ref, item.options) if embed else None
        if inside is None:
            name = "The timeline" if item.ref == "timeline" else item.ref
            return f'<p class="mut">{escape(name)} cannot be shown here.</p>'
        return inside

    html = re.sub(rf"<p>{job.nonce}e(\d+)x</p>", figure, html)
    if draw and job.diagrams:
        drawn = draw(job.diagrams)
        html = re.sub(rf"<p>{job.nonce}d(\d+)x</p>", lambda found: drawn[int(found[1])], html)
    return re.sub(rf"{job.nonce}[ed]?\d+x", "", html)


def _refuse(text: str, reason: str) -> Rendered:
    shown = text[:SIZE]
    rest = f" Shown are the first {SIZE:,} characters." if len(text) > SIZE else ""
    html = (
        f'<div class="note is-bad"><p><b>Not rendered.</b> {escape(reason + rest)} The text is kept as it is.</p></div>'
        f'<pre class="refused">{escape(shown)}</pre>'
    )
    return Rendered(html=html, refused=reason)


def excerpt(text: str, length: int = 200) -> str:
    """The first words of `text` without its Markdown, at most `length` characters, cut at a word."""
    kept: list[str] = []
    fenced = False
    head = re.sub(r"<!--.{0,2000}?-->", "", text[: 20 * length + 2000], flags=re.DOTALL)
    for line in head.splitlines():
        if re.match(r"[ \t>]{0,20}(?:```|~~~)", line):
            fenced = not fenced
        elif not fenced and not _NO_PROSE.match(line):
            kept.append(_MARKERS.sub("", line))
        if sum(map(len, kept)) > 2 * length:
            break
    plain = re.sub(r" ?!?\[\[E-\d+[^\]]{0,300}\]\]", "", " ".join(kept))
    plain = re.sub(REFERENCE.pattern + r"[^\]]{0,300}\]\]", r"\1-\2", plain)
    plain = re.sub(r"!?\[([^\[\]]{0,300})\]\([^()]{0,500}\)", r"\1", plain)
    plain = " ".join(re.sub(r"[*`~]+|(?<!\w)_+|_+(?!\w)", "", plain).split())
    if len(plain) <= length:
        return plain
    return plain[:length].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"
