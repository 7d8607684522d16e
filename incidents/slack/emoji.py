"""Emoji by Slack's names and as signs. Slack's names are those of pymdown-extensions' tables, but for some."""

from __future__ import annotations

import re
from functools import cache

from pymdownx import gemoji_db, twemoji_db

from incidents.slack.spans import BREAK

TONES = {str(number): chr(0x1F3FB + number - 2) for number in range(2, 7)}
TONE_OF = {sign: number for number, sign in TONES.items()}
PRESENTED = "\ufe0f"
OPEN = re.compile(r":[\w+'-]{1,100}\Z")
# Slack's own, from its emoji picker; the value is the sign.
SLACKS = {
    "simple_smile": "🙂",
    "large_green_circle": "🟢",
    "large_orange_circle": "🟠",
    "large_yellow_circle": "🟡",
    "large_purple_circle": "🟣",
    "large_brown_circle": "🟤",
    "large_blue_circle": "🔵",
    "large_red_square": "🟥",
    "large_green_square": "🟩",
    "large_yellow_square": "🟨",
    "face_with_rolling_eyes": "🙄",
    "rolling_on_the_floor_laughing": "🤣",
    "face_palm": "🤦",
    "shrug": "🤷",
    "male-technologist": "👨\u200d💻",
    "female-technologist": "👩\u200d💻",
    "man-shrugging": "🤷\u200d♂️",
    "woman-shrugging": "🤷\u200d♀️",
    "man-facepalming": "🤦\u200d♂️",
    "woman-facepalming": "🤦\u200d♀️",
    "male-firefighter": "👨\u200d🚒",
    "female-firefighter": "👩\u200d🚒",
    "knife_fork_plate": "🍽️",
    "warning": "⚠️",
    "heart": "❤️",
}


def shown(name: str, tone: str = "") -> str:
    """The sign of a name; of one that only a workspace knows, the name between colons."""
    sign = _signs().get(name)
    if sign is None:
        more = f"::skin-tone-{tone}" if tone else ""
        return f":{name}{more}:"
    return _toned(sign, tone) if tone else sign


def from_points(points: str) -> str:
    """`1f44d-1f3fc` as Slack's rich text gives it; empty where it is none."""
    try:
        return "".join(chr(int(one, 16)) for one in points.split("-")) if points else ""
    except (ValueError, OverflowError):
        return ""


def named(text: str) -> str:
    """Every emoji in the text by its name between colons."""
    names, longest, first = _names()
    found, at = [], 0
    for place in first.finditer(text):
        start = place.start()
        if start < at:
            continue
        name, length = _at(text, start, names, longest)
        if length:
            # Behind `:1` its first colon would end another name.
            apart = BREAK if OPEN.search(text, max(at, start - 102), start) else ""
            found += [text[at:start], apart, name]
            at = start + length
    return "".join([*found, text[at:]])


def _at(text: str, start: int, names: dict[str, str], longest: int) -> tuple[str, int]:
    """The longest emoji that begins here, its tone taken out for looking it up."""
    for length in range(min(longest, len(text) - start), 0, -1):
        piece = text[start : start + length]
        tones = {sign for sign in piece if sign in TONE_OF}
        bare = "".join(sign for sign in piece if sign not in TONE_OF)
        name = names.get(bare) or (names.get(bare + PRESENTED) if tones else None)
        if name and len(tones) <= 1:
            tone = f"::skin-tone-{TONE_OF[tones.pop()]}" if tones else ""
            if shown(name, tone[-1:]) == piece:
                return f":{name}{tone}:", length
    return "", 0


def _toned(sign: str, tone: str) -> str:
    """Behind the person, in place of the sign that asks for colour."""
    first, rest = sign[0], sign[1:].removeprefix(PRESENTED)
    return first + TONES[tone] + rest


@cache
def _signs() -> dict[str, str]:
    found: dict[str, str] = {}
    for table in (twemoji_db, gemoji_db):
        for name, row in table.emoji.items():
            sign = from_points(row.get("unicode_alt") or row["unicode"])
            found[name.strip(":")] = sign
        for name, meant in table.aliases.items():
            if meant.strip(":") in found:
                found[name.strip(":")] = found[meant.strip(":")]
    flags = {f"flag-{name}": sign for name, sign in found.items() if len(sign) == 2 and _is_flag(sign)}
    return found | flags | SLACKS


def _is_flag(sign: str) -> bool:
    return all(0x1F1E6 <= ord(one) <= 0x1F1FF for one in sign)


@cache
def _names() -> tuple[dict[str, str], int, re.Pattern[str]]:
    """Sign → one of its names, of which Slack knows most; the longest sign; what one may begin with.

    Signs that are text as well (©) are emoji only where they are shown in colour.
    """
    found: dict[str, str] = {}
    known = {name.strip(":") for name in gemoji_db.emoji} | set(SLACKS)
    for name, sign in _signs().items():
        if sign.isascii() or name.startswith("tone") or any(one in TONE_OF for one in sign):
            continue
        if len(sign) == 1 and ord(sign) < 0x2300:
            continue
        before = found.get(sign)
        if before is None or _worth(name, known) < _worth(before, known):
            found[sign] = name
    first = "".join(re.escape(one) for one in sorted({sign[0] for sign in found}))
    return found, max(map(len, found)) + 1, re.compile(f"[{first}]")


def _worth(name: str, known: set[str]) -> tuple[bool, bool, bool, str]:
    """Slack names flags by `flag-`, and the older names stay."""
    return not name.startswith("flag-"), name not in SLACKS, name not in known, name
