"""Debrief's own Markdown: citations, embeds, code blocks, callouts, task lists, safe headings; raw HTML is text.

Code blocks and embeds leave the text before it is parsed and come back as whole elements; what stands in for
them is a line with a random word of this one render, which nobody can type.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from incidents import markdown_bounds as bounds
from incidents.markdown_callouts import admonition, quoted_callout, tasks
from incidents.markdown_lines import walk
from incidents.markdown_mentions import link_mentions

EMBEDS = 60
DIAGRAMS = 20
_REF = r"(?:E|INC|F|L)-[1-9]\d{0,8}"
REFERENCE = re.compile(r"\[\[(E|INC|F|L)-([1-9]\d{0,8})(?=[ \]])")
_OPTION = re.compile(r'([a-z]{1,20})=(?:"((?:\\"|[^"]){0,400})"|(\S{1,60}))')


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a citation leads, and what it is called."""

    href: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Embed:
    """One embed line: the reference (or `timeline`) and its options (`caption`, `from`, …), all as typed.

    What is not name=value stands under the empty name, so that whoever draws it can say so.
    """

    ref: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True)
class Code:
    language: str
    text: str


@dataclass(slots=True)
class Job:
    """One render: what was cited, embedded and set aside."""

    resolve: Callable[[str], Reference | None] | None
    draws_diagrams: bool = False
    shows_picture: Callable[[str], bool] | None = None
    nonce: str = field(default_factory=lambda: f"x{secrets.token_hex(16)}x")
    islands: list[Code | Embed] = field(default_factory=list)
    embeds: list[Embed] = field(default_factory=list)
    diagrams: list[str] = field(default_factory=list)
    references: dict[str, Reference | None] = field(default_factory=dict)
    mentions: dict[str, Reference | None] = field(default_factory=dict)

    def look_up_mention(self, name: str) -> tuple[str, str] | None:
        if name not in self.mentions:
            self.mentions[name] = self.resolve(name) if self.resolve else None
        found = self.mentions[name]
        return (found.href, found.title) if found else None

    def look_up(self, ref: str) -> Reference | None:
        if ref not in self.references:
            self.references[ref] = self.resolve(ref) if self.resolve else None
        return self.references[ref]

    def set_aside(self, island: Code | Embed) -> str:
        self.islands.append(island)
        return f"{self.nonce}{len(self.islands) - 1}x"


def split(text: str, job: Job) -> str:
    """Takes code blocks, embeds and comments out, checks the rest; raises `bounds.Refused`."""
    outside: list[tuple[int, str]] = []
    for line in walk(text.split("\n"), bounds.check_code_line):
        if line.kind == "text":
            outside.append((line.at + 1, line.text))
            continue
        named, rest = line.parts
        word = job.set_aside(Code(named, rest) if line.kind == "code" else Embed(named, options_of(rest)))
        # In a list or a quote the line continues what is there; elsewhere it is a paragraph of its own.
        stand_in = ["", word, ""] if line.is_alone else [line.prefix + word]
        outside.extend((line.at + 1, one) for one in stand_in)
    if sum(isinstance(island, Embed) for island in job.islands) > EMBEDS:
        raise bounds.Refused(f"The text embeds more than {EMBEDS} items.")
    bounds.check_lines(outside)
    return "\n".join(line for _, line in outside)


def options_of(text: str) -> dict[str, str]:
    """`a=b c="d e"` as a mapping; what is left over stands under the empty name."""
    options = {name: (quoted or plain).replace('\\"', '"') for name, quoted, plain in _OPTION.findall(text)}
    rest = " ".join(_OPTION.sub(" ", text).split())
    return options | ({"": rest} if rest else {})


class Islands(BlockProcessor):
    """Puts code blocks and embeds back where their stand-in stands."""

    def __init__(self, md: Markdown, syntax: Syntax) -> None:
        super().__init__(md.parser)
        self.syntax = syntax

    def test(self, parent: Element, block: str) -> bool:
        return self.syntax.job.nonce in block

    def run(self, parent: Element, blocks: list[str]) -> None:
        job = self.syntax.job
        for piece in re.split(rf"[ \t]*{job.nonce}(\d{{1,6}})x[ \t]*\n?", blocks.pop(0)):
            if not piece.isdigit() or int(piece) >= len(job.islands):
                if piece.strip():
                    self.parser.parseBlocks(parent, [piece.rstrip("\n")])
                continue
            island = job.islands[int(piece)]
            if isinstance(island, Code) and _is_diagram(island, job):
                job.diagrams.append(island.text)
                figure = SubElement(parent, "figure", {"class": "fig fig-diagram"})
                SubElement(figure, "p").text = AtomicString(f"{job.nonce}d{len(job.diagrams) - 1}x")
            elif isinstance(island, Code):
                _code(parent, island)
            else:
                _figure(parent, island, job)


def _is_diagram(code: Code, job: Job) -> bool:
    wanted = job.draws_diagrams and len(job.diagrams) < DIAGRAMS
    return wanted and code.language.strip().lower() == "mermaid" and bool(code.text.strip())


def _code(parent: Element, code: Code) -> None:
    element = SubElement(SubElement(parent, "pre"), "code")
    language = re.match(r"[\w+#.-]{1,30}", code.language)
    if language:
        element.set("class", f"language-{language[0].lower()}")
    element.text = AtomicString(code.text + "\n")


def _figure(parent: Element, embed: Embed, job: Job) -> None:
    figure = SubElement(parent, "figure", {"class": "fig"})
    inside = SubElement(figure, "p")
    inside.text = AtomicString(f"{job.nonce}e{len(job.embeds)}x")
    job.embeds.append(embed)
    caption = SubElement(figure, "figcaption")
    if embed.ref == "timeline":
        told = SubElement(caption, "span")
        told.text = AtomicString(embed.options.get("caption") or "From the timeline")
        return
    reference = job.look_up(embed.ref)
    words = SubElement(caption, "span")
    words.text = AtomicString(embed.options.get("caption") or (reference.title if reference else ""))
    end = SubElement(caption, "span", {"class": "end"})
    end.append(chip(embed.ref, reference, job))


def chip(ref: str, reference: Reference | None, job: Job) -> Element:
    """The citation as an element; one that leads nowhere is marked, never dropped."""
    if reference is None:
        unknown = Element("span", {"class": "ev is-unknown" if job.resolve else "ev"})
        if job.resolve:
            unknown.set("title", f"Nothing is known under {ref}, or you may not read it")
        unknown.text = AtomicString(f"{ref}?" if job.resolve else ref)
        return unknown
    link = Element("a", {"class": "ev", "href": reference.href})
    if reference.title:
        link.set("title", reference.title)
    link.text = AtomicString(ref)
    return link


class Citation(InlineProcessor):
    """`[[E-7]]`: evidence stands raised like a footnote, other things in the line."""

    def __init__(self, md: Markdown, syntax: Syntax) -> None:
        super().__init__(rf"!?\[\[({_REF})(?: [^\[\]\n]{{0,500}})?\]\]", md)
        self.syntax = syntax

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]
        job = self.syntax.job
        element = chip(m[1], job.look_up(m[1]), job)
        if m[1].startswith("E-"):
            raised = Element("sup")
            raised.text = AtomicString("")
            raised.append(element)
            element = raised
        return element, m.start(0), m.end(0)


class SafeTag(InlineProcessor):
    """The few tags that may be typed, without attributes."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]
        element = Element(m[1] or "br")
        if m[1]:
            element.text = m[2]
        return element, m.start(0), m.end(0)


class BareLink(InlineProcessor):
    """An address in the text; the full stop after it is not part of it."""

    ANCESTOR_EXCLUDES = ("a",)

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]
        address = m[0].rstrip(".,;:!?*_~'")
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(".,;:!?*_~'")
        link = Element("a", {"href": address})
        link.text = AtomicString(address)
        return link, m.start(0), m.start(0) + len(address)


class Check(Treeprocessor):
    """Callouts and task lists, then the last bounds, between blocks and inline syntax."""

    def run(self, root: Element) -> None:
        for parent in list(root.iter()):
            if parent.tag == "blockquote":
                quoted_callout(parent)
            elif parent.tag == "div" and "admonition" in parent.get("class", ""):
                admonition(parent)
            elif parent.tag in ("ul", "ol"):
                tasks(parent)
        bounds.check_tree(root)


class Mentions(Treeprocessor):
    """After the inline syntax, before escaped characters are put back: an escaped sign names nobody."""

    def __init__(self, md: Markdown, syntax: Syntax) -> None:
        super().__init__(md)
        self.syntax = syntax

    def run(self, root: Element) -> None:
        if self.syntax.job.resolve:
            link_mentions(root, self.syntax.job.look_up_mention)


class Finish(Treeprocessor):
    """After the inline syntax: headings below the page's own, pictures of other sites as links."""

    def __init__(self, md: Markdown, syntax: Syntax) -> None:
        super().__init__(md)
        self.syntax = syntax

    def run(self, root: Element) -> None:
        taken: dict[str, int] = {}
        for element in root.iter():
            if element.tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
                element.tag = f"h{max(2, int(element.tag[1]))}"
                title = " ".join("".join(element.itertext()).split())
                slug = "-".join(re.findall(r"\w+", title.lower()))[:60] or "section"
                taken[slug] = taken.get(slug, 0) + 1
                name = slug if taken[slug] == 1 else f"{slug}-{taken[slug]}"
                element.set("id", name)
                self.syntax.headings.append((int(element.tag[1]), title, name))
            elif element.tag == "img" and not self._is_own(element.get("src", "")):
                # A picture elsewhere would tell that server who reads; a link lets the reader decide.
                address, words = element.get("src", ""), element.get("alt", "")
                tail = element.tail
                element.clear()
                element.tag, element.tail = "a", tail
                element.set("href", address)
                element.text = AtomicString(words or address)

    def _is_own(self, address: str) -> bool:
        shows = self.syntax.job.shows_picture
        return bool(re.match(r"/(?![/\\])", address)) and (shows is None or shows(address))


class Syntax(Extension):
    """`job` and `headings` belong to the render at hand; one instance serves one thread."""

    job: Job
    headings: list[tuple[int, str, str]]

    def extendMarkdown(self, md: Markdown) -> None:
        for name in ("html", "entity"):
            md.inlinePatterns.deregister(name)
        md.preprocessors.deregister("html_block")
        md.parser.blockprocessors.deregister("code")
        if md.delimiters is not None:
            md.delimiters.add("~", "del", double=True)
        tags = r"<(kbd|sub|sup|mark|ins)>([^<>\n]{1,300})</\1>|<br ?/?>"
        address = r"(?<![\w/@])https?://[^\s<>\"`|\\^{}\[\]\x02\x03]{1,2000}"
        md.inlinePatterns.register(Citation(md, self), "citation", 172)
        md.inlinePatterns.register(SafeTag(tags, md), "safe_tag", 95)
        md.inlinePatterns.register(BareLink(address, md), "bare_link", 92)
        md.parser.blockprocessors.register(Islands(md, self), "islands", 12)
        md.treeprocessors.register(Check(md), "check", 45)
        md.treeprocessors.register(Mentions(md, self), "mentions", 5)
        md.treeprocessors.register(Finish(md, self), "finish", -5)

    def begin(self, job: Job) -> Any:
        self.job, self.headings = job, []
