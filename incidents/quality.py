"""What makes a post-mortem worth reading, looked for in its text: gentle hints. Plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from incidents.writing.differences import Section, sections

__all__ = ["CHECKS", "Facts", "FollowUpFact", "Hint", "hints", "labels"]

LEAST_WORDS = 8
STATEMENT_WORDS = 5
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TIMES = re.compile(
    r"\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+Z?)?|\b\d{1,2}:\d\d(?::\d\d)?(?: ?UTC)?|\b\d{1,2}\.? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug"
    r"|Sep|Oct|Nov|Dec)[a-z]*\.?(?: \d{4})?|\b(?:19|20)\d\d\b"
)
_CITATION = re.compile(r"!\[\[|\[\[E-\d|!\[[^\]]{0,300}\]\(")
_REFERENCE = re.compile(r"!?\[\[[^\]]{0,300}\]\]")
_METRIC = re.compile(r"!\[\[E-(\d{1,8})")
_VERSION = re.compile(r"\b\d+(?:\.\d+){2,}\b")
_QUANTITY = re.compile(
    r"[€$£¥]\s?\d|(?<![\w.])\d[\d.,  ]{0,20}\s?(?:%|‰|(?!(?:of|and|or|to|at|in|on|the|was|were)\b)[A-Za-zµ]\w*)"
)
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s+\S")
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d{1,9}[.)])\s)|\n(?=\|)")
# Under the first row of a table, which only names its columns.
_TABLE_RULE = re.compile(r"\|?[ \t]*:?-{2,}[|:\- \t]*(?:\n|$)")
_FENCED = re.compile(r"(```|~~~).*?\1", re.DOTALL)
_NONE_NEEDED = re.compile(r"\bno (?:further )?follow-?ups?\b|\bnone (?:is|are) needed\b", re.IGNORECASE)
_IMPACT = re.compile(r"impact|cost", re.IGNORECASE)
_DETECTION = re.compile(r"detect|noticed|made it hard", re.IGNORECASE)
_FACTORS = re.compile(r"contributing|factor|cause|made it possible", re.IGNORECASE)
_FOLLOWUPS = re.compile(r"follow-?ups?|action items?|will do", re.IGNORECASE)
_CITED = re.compile(
    rf"summary|timeline|unfolded|{_IMPACT.pattern}|{_DETECTION.pattern}|{_FACTORS.pattern}", re.IGNORECASE
)
_DEEDS = r"should(?:n['’]t)? have|could have|ought to have|must have known|forgot|failed to|neglected|was careless|broke|messed up|(?:is|was) to blame"
_NOUNS = "fault|mistake|error|negligence|carelessness|failure|blunder"
_BEFORE = rf"(?:blame|{_NOUNS})s? (?:of|by|lies with|on)|because of|caused by|blamed"


@dataclass(frozen=True, slots=True)
class FollowUpFact:
    key: str
    is_owned: bool
    is_dated: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """`people` are the names of those who took part, as a text may call them; `metrics` the numbers of charts."""

    body: str
    followups: Sequence[FollowUpFact] = ()
    people: Sequence[str] = ()
    metrics: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Hint:
    """`at` is where to go in the text (characters), None where there is no place; `where` names it."""

    slug: str
    label: str
    is_met: bool
    sentence: str
    where: str = ""
    at: int | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    is_met: bool
    sentence: str
    section: Section | None = None
    at: int | None = None


class _Text:
    """A body without its guidance; offsets are those of the body."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.body = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), facts.body)
        self.sections = sections(self.body)

    def find(self, title: re.Pattern[str]) -> Section | None:
        return next((one for one in self.sections if one.level <= 2 and title.search(one.title)), None)

    def inside(self, section: Section) -> str:
        """What stands under a heading, without the heading itself."""
        return self.body[section.inner : section.end]

    def own(self, place: int) -> str:
        """What stands under a heading up to the next one of any level."""
        section = self.sections[place]
        following = self.sections[place + 1].start if place + 1 < len(self.sections) else len(self.body)
        return self.body[section.inner : following]


def hints(facts: Facts) -> list[Hint]:
    """Every check in its order, met or not."""
    text = _Text(facts)
    found = []
    for slug, (label, check) in CHECKS.items():
        one = check(text)
        where = one.section.title if one.section else ""
        at = one.at if one.at is not None else one.section.start if one.section else None
        found.append(Hint(slug, label, one.is_met, one.sentence, where, at))
    return found


def labels() -> list[tuple[str, str]]:
    """(slug, label) of each check, for choosing those that an admin requires."""
    return [(slug, label) for slug, (label, _) in CHECKS.items()]


def _impact(text: _Text) -> _Found:
    section = text.find(_IMPACT)
    if section is None:
        return _Found(False, "There is no section on the impact.")
    inside = text.inside(section)
    charts = {int(number) for number in _METRIC.findall(inside)} & text.facts.metrics
    bare = _VERSION.sub(" ", _TIMES.sub(" ", _REFERENCE.sub(" ", inside)))
    if charts or _QUANTITY.search(bare):
        return _Found(True, "The impact is told in numbers.", section)
    return _Found(False, "Say in numbers how many were hit, how much or for how long, or embed the chart.", section)


def _detection(text: _Text) -> _Found:
    section = text.find(_DETECTION)
    if section is None:
        return _Found(False, "There is no section on how it was noticed.")
    if len(_words(text.inside(section))) >= LEAST_WORDS:
        return _Found(True, "It is told how it was noticed.", section)
    return _Found(False, "Say what told you, how long after it began, and what could have told you earlier.", section)


def _factors(text: _Text) -> _Found:
    section = text.find(_FACTORS)
    if section is None:
        return _Found(False, "There is no section on what contributed.")
    below = [
        place
        for place, one in enumerate(text.sections)
        if one.level == section.level + 1 and section.start < one.start < section.end
    ]
    named = sum(bool(_words(text.own(place))) for place in below)
    listed = sum(bool(_ITEM.match(line)) for line in text.inside(section).split("\n"))
    if max(named, listed) > 1:
        return _Found(True, f"{max(named, listed)} contributing factors are named.", section)
    return _Found(False, "Name more than one contributing factor: what had to come together?", section)


def _followups(text: _Text) -> _Found:
    section = text.find(_FOLLOWUPS)
    lacking = [one.key for one in text.facts.followups if not (one.is_owned and one.is_dated)]
    if lacking:
        has = "has" if len(lacking) == 1 else "have"
        return _Found(False, f"{_few(lacking)} {has} no owner or no date yet.", section)
    if text.facts.followups:
        return _Found(True, "Every follow-up has an owner and a date.", section)
    if section is not None and _NONE_NEEDED.search(text.inside(section)):
        return _Found(True, "It is said that no follow-up is needed.", section)
    return _Found(False, "Raise a follow-up, or write that no follow-up is needed and why.", section)


def _filled(text: _Text) -> _Found:
    empty = [one for one in text.sections if not _prose(text.inside(one))]
    if not empty:
        return _Found(True, "Something stands under every heading.")
    names = _few([f"“{one.title}”" for one in empty])
    return _Found(False, f"Nothing stands under {names} yet.", empty[0])


def _cited(text: _Text) -> _Found:
    bare = list(_uncited(text))
    if not bare:
        return _Found(True, "Every statement cites its evidence.")
    section, at = bare[0]
    one = len(bare) == 1
    said = f"{len(bare)} statement{'' if one else 's'} {'has' if one else 'have'} no evidence beside {'it' if one else 'them'}."
    return _Found(False, said, section, at)


def _uncited(text: _Text) -> Iterator[tuple[Section, int]]:
    """The blocks of the sections that tell what happened, without evidence: their section and where they begin."""
    counts = False
    for place, section in enumerate(text.sections):
        if section.level <= 2:
            counts = bool(_CITED.search(section.title))
        if not counts:
            continue
        own = text.own(place)
        start = section.inner
        own = _FENCED.sub(lambda code: " " * len(code[0]), own)
        at = 0
        blocks = [(gap.start(), gap.end()) for gap in _BLOCK.finditer(own)] + [(len(own), len(own))]
        for end, following in blocks:
            block = own[at:end]
            bare = len(_words(block)) >= STATEMENT_WORDS and not _CITATION.search(block)
            if bare and not _TABLE_RULE.match(own, following):
                yield section, start + at + len(block) - len(block.lstrip())
            at = following


def _blame(text: _Text) -> _Found:
    names = "|".join(re.escape(name) for name in sorted(set(text.facts.people), key=len, reverse=True) if len(name) > 1)
    found = None
    if names:
        who = rf"@?\b(?:{names})\b"
        phrases = rf"{who}(?:['’]s? (?:{_NOUNS})s?| (?:{_DEEDS}))\b|\b(?:{_BEFORE}) {who}"
        found = re.search(phrases, text.body, re.IGNORECASE)
    if found is None:
        return _Found(True, "Nobody is blamed by name.")
    under = [one for one in text.sections if one.start <= found.start() < one.end]
    said = " ".join(found[0].split())
    sentence = f"“{said}” may read as blame: tell what made it easy to happen."
    return _Found(False, sentence, under[-1] if under else None, found.start())


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", _REFERENCE.sub(" ", text))


def _prose(text: str) -> str:
    """What is left of a section when the headings in it are gone."""
    return "\n".join(line for line in text.split("\n") if not re.match(r"#{1,6}[ \t]", line)).strip()


def _few(names: Sequence[str], most: int = 3) -> str:
    shown = list(names[:most])
    left = len(names) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


Check = Callable[[_Text], _Found]
CHECKS: dict[str, tuple[str, Check]] = {
    "impact-quantified": ("The impact is told in numbers", _impact),
    "detection-explained": ("How it was noticed is explained", _detection),
    "several-factors": ("More than one contributing factor", _factors),
    "followups-owned": ("Every follow-up has an owner and a date", _followups),
    "headings-filled": ("No heading is empty", _filled),
    "statements-cited": ("Statements cite their evidence", _cited),
    "no-blame": ("Nobody is blamed by name", _blame),
}
