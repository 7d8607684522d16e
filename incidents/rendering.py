"""The one renderer bound to the database: resolves what a text names and fills its figures for one reader, in a
number of queries that does not grow with the text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Value
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from incidents import diagrams, markdown
from incidents.embeds import evidence_html, wrong
from incidents.markdown_syntax import EMBEDS, options_of
from incidents.models import Incident, Picture, TimelineEntry
from incidents.models.timeline import EntrySource
from incidents.naming import Named, pictures_in, references, split
from incidents.parts import WrongPart, check_options, window_of
from incidents.pictures import data_uri
from incidents.timeline_table import ROWS, pinned_of, sources_of, timeline_table

__all__ = ["inline_pictures", "references", "render_document", "split"]

_TIMELINE = re.compile(r"!\[\[timeline((?: [^\[\]\n]{0,500})?)\]\]")
_FIELDS = ("occurred_at", "until", "count", "level", "title", "subject", "text", "evidence__number")
# A drawing costs a process; it depends on nothing but its source, and is small enough for the cache of each process.
DRAWN_FOR = 24 * 3600
LATE_FOR = 60
INLINED = 24 * 1024 * 1024
# Sanitised HTML has no other `<`; a whole tag at a time, so that what an attribute says is never taken for one.
_TAG = re.compile(r"""<([a-zA-Z][\w:-]*+)(?:\s++[^\s=>"'/]++(?:=(?:"[^"]*+"|'[^']*+'|[^\s"'>]++))?+)*+\s*+/?>""")
_SOURCE = re.compile(r'\ssrc="([^"]*+)"')
_ALT = re.compile(r'\salt="([^"]*+)"')


def render_document(body: str, *, incident: Incident, person: User, id_prefix: str = "d-") -> markdown.Rendered:
    """Sanitised HTML of a post-mortem. Of other incidents only what `person` may see is named."""
    named = Named(body, incident, person)
    band, zone = incident.band(), timezone.get_current_timezone()
    stretches = _Stretches(incident, map(options_of, _TIMELINE.findall(body)[:EMBEDS]))

    def embed(reference: str, options: dict[str, str]) -> str | None:
        if reference == "timeline":
            return stretches.html(options)
        kind, number = split(reference)
        row = named.evidence.get(number) if kind == "E" else None
        if row is None:
            return None
        return evidence_html(row.type, row.title, row.payload, zone=zone, band=band, options=options)

    def draw(sources: list[str]) -> list[str]:
        drawn = draw_diagrams(sources)
        return [
            diagrams.html(one, source, place=place, prefix=id_prefix)
            for place, (one, source) in enumerate(zip(drawn, sources, strict=True))
        ]

    return markdown.render(
        body, resolve=named.resolve, embed=embed, draw=draw, shows_picture=named.shows_picture, id_prefix=id_prefix
    )


def inline_pictures(html: str, incident: Incident) -> str:
    """The rendered text with its own pictures inside it, for a file that stands alone: each once, INLINED bytes at most.
    Only elements count; an address that is shown as text stays text.
    """
    addresses = pictures_in("\n".join(_sources(html)), incident)
    wanted = dict.fromkeys(addresses[one] for one in _sources(html) if one in addresses)
    sizes = dict(Picture.objects.filter(pk__in=wanted).values_list("pk", "size"))
    left, fitting = INLINED, []
    for key in wanted:
        if sizes.get(key, INLINED + 1) <= left:
            left -= sizes[key]
            fitting.append(key)
    whole = {row.pk: data_uri(row) for row in Picture.objects.filter(pk__in=fitting)}

    def inside(found: re.Match[str]) -> str:
        source = _SOURCE.search(found[0]) if found[1] == "img" else None
        key = addresses.get(source[1]) if source else None
        if source is None or key is None:
            return found[0]
        if key not in fitting:
            return _instead(found[0], f"is left out: those of this text have more than {INLINED // 2**20} MiB together")
        if key not in whole:
            return _instead(found[0], "is shown above")
        return f'{found[0][: source.start()]} src="{whole.pop(key)}"{found[0][source.end() :]}'

    return _TAG.sub(inside, html)


def _sources(html: str) -> Iterator[str]:
    for found in _TAG.finditer(html):
        if found[1] == "img" and (source := _SOURCE.search(found[0])):
            yield source[1]


def _instead(element: str, said: str) -> str:
    words = _ALT.search(element)
    name = f" “{words[1]}”" if words and words[1] else ""
    return f'<span class="sm mut">The picture{name} {said}.</span>'


def draw_diagrams(sources: list[str]) -> list[diagrams.Drawing]:
    """Drawings by source, from the cache where they were drawn before; refusals are kept too, they cost the most."""
    keys = [f"diagram:2:{hashlib.sha256(source.encode()).hexdigest()}" for source in sources]
    known: dict[str, diagrams.Drawing] = cache.get_many(dict.fromkeys(keys))
    fresh = {key: source for key, source in zip(keys, sources, strict=True) if key not in known}
    if fresh:
        drawn = dict(zip(fresh, diagrams.drawings(list(fresh.values())), strict=True))
        cache.set_many({key: one for key, one in drawn.items() if not one.is_passing}, timeout=DRAWN_FOR)
        # What was late may only have met a busy machine; what was never tried is tried with the next reading.
        cache.set_many({key: one for key, one in drawn.items() if one == diagrams.LATE}, timeout=LATE_FOR)
        known |= drawn
    return [known[key] for key in keys]


def stretch_html(options: dict[str, str], incident: Incident) -> str:
    """One stretch of the timeline, as an embed with these options would show it."""
    return _Stretches(incident, [options]).html(options)


class _Stretches:
    """The stretches of the timeline that a text shows: one query for all of them, each bounded."""

    def __init__(self, incident: Incident, wanted: Iterable[Mapping[str, str]]) -> None:
        self.incident = incident
        self.zone = timezone.get_current_timezone()
        self.whole = incident.window(timezone.now())
        asked: dict[tuple[Any, ...], None] = {}
        for options in wanted:
            try:
                asked[self._asked(options)] = None
            except WrongPart:
                continue  # said in its place by html()
        self.rows = self._read(list(asked))

    def _asked(self, options: Mapping[str, str]) -> tuple[Any, ...]:
        check_options("timeline", options)
        start, end = self.whole.start.timestamp(), self.whole.end.timestamp()
        return window_of(options, start, end) or (start, end), sources_of(options), pinned_of(options)

    def _read(self, asked: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
        queries = []
        for place, ((start, end), sources, pinned) in enumerate(asked):
            rows = TimelineEntry.objects.filter(incident=self.incident, hidden=False)
            rows = rows.filter(
                occurred_at__gte=datetime.fromtimestamp(start, UTC), occurred_at__lte=datetime.fromtimestamp(end, UTC)
            )
            if sources:
                rows = rows.filter(source__in=sources)
            if pinned:
                rows = rows.filter(pinned=True) | rows.filter(source=EntrySource.MILESTONE)
            queries.append(rows.annotate(place=Value(place)).in_order().values("place", *_FIELDS)[: ROWS + 1])
        found: dict[tuple[Any, ...], list[dict[str, Any]]] = {one: [] for one in asked}
        for row in queries[0].union(*queries[1:], all=True) if queries else ():
            found[asked[row["place"]]].append(row)
        for rows_of in found.values():
            rows_of.sort(key=lambda row: row["occurred_at"])
        return found

    def html(self, options: dict[str, str]) -> str:
        try:
            rows = self.rows.get(self._asked(options), [])
        except WrongPart as problem:
            return wrong(str(problem))
        address = reverse("evidence-list", args=[self.incident.number])
        return timeline_table(rows, zone=self.zone, address=address)
