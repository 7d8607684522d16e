"""The kinds of secrets that are known by their looks, and where in a text they are.

Each pattern is tried only where one of its `hints` stands: finding fixed words costs a hundredth of what trying
an expression at each character does, and nearly all of millions of lines hold none.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MASK = "[redacted:{}]"
MASKED = "[redacted:"
KEY_OWNERS = "api|access|private|signing|encryption|secret|auth|master|account"
SENSITIVE_NAME = (
    rf"(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|(?:{KEY_OWNERS})[_-]?key)s?"
    r"(?:[_-]?(?:value|raw|hash|b(?:ase)?64|v?\d{1,2}))?"
)
NOT_A_SECRET = frozenset({"", "null", "nil", "none", "true", "false", "undefined", "<nil>", "***", "******"})
BEARER_PROSE = frozenset({"authentication", "authorization", "credential", "credentials", "scheme", "tokens"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret.

    A match begins `offset` characters after the begin of one of its `hints`, which are in lower case where it is
    `folded`; without hints it is tried everywhere. The group `secret`, if there is one, is what gets replaced;
    `is_secret` may refuse a match. `scan` gives begin and end of each secret where trying the expression at each hint
    would look at the same characters over and over.
    """

    name: str
    expression: re.Pattern[str]
    hints: tuple[str, ...] = ()
    folded: bool = False
    offset: int = 0
    is_secret: Callable[[str], bool] = lambda _: True
    scan: Callable[[str], Iterator[tuple[int, int]]] | None = None

    def spans(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        if self.scan:
            return self.scan(text)
        group = "secret" if "secret" in self.expression.groupindex else 0
        return (match.span(group) for match in self.matches(text, lowered))

    def matches(self, text: str, lowered: str) -> Iterator[re.Match[str]]:
        if not self.hints:
            yield from self.expression.finditer(text)
            return
        end = 0
        for place in places(lowered if self.folded else text, self.hints):
            start = place + self.offset
            if start >= end and (match := self.expression.match(text, start)):
                yield match
                end = match.end()

    def apply(self, text: str, lowered: str, hits: dict[str, int]) -> str:
        spans = [
            (begin, end)
            for begin, end in self.spans(text, lowered)
            if (found := text[begin:end]) and not found.startswith(MASKED) and self.is_secret(found)
        ]
        return masked(text, spans, self.name, hits)


def places(text: str, words: Sequence[str]) -> list[int]:
    """Where these words begin, in order."""
    found: list[int] = []
    for word in words:
        place = text.find(word)
        while place >= 0:
            found.append(place)
            place = text.find(word, place + 1)
    if len(words) > 1:
        found.sort()
    return found


def masked(text: str, spans: list[tuple[int, int]], name: str, hits: dict[str, int]) -> str:
    if not spans:
        return text
    hits[name] = hits.get(name, 0) + len(spans)
    pieces, end = [], 0
    for start, stop in spans:
        pieces += [text[end:start], MASK.format(name)]
        end = stop
    return "".join([*pieces, text[end:]])


def _is_user_and_password(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


AUTHORITY = "://"
# What ends the name of a host, and what ends an address; passwords may hold what ends the name.
AUTHORITY_END = re.compile(r"[\s/?#\"'<>]")
ADDRESS_END = re.compile(r"[\s\"'<>]")
USER = re.compile(r"[^\s/:@\"'<>]{0,128}:(?!\d{1,5}[/?#])")
LONGEST_AUTHORITY, LONGEST_PASSWORD = 512, 256


def scan_userinfo(text: str) -> Iterator[tuple[int, int]]:
    """`user:password` before the last `@` of an authority; of an address, where the password is not escaped."""
    next_at = address_end = end = -1
    place = text.find(AUTHORITY)
    while place >= 0 and (next_at := text.find("@", place) if next_at < place else next_at) >= 0:
        start = place + len(AUTHORITY)
        place = text.find(AUTHORITY, place + 1)
        if start < end or next_at > start + LONGEST_AUTHORITY:
            continue
        stop = AUTHORITY_END.search(text, start, start + LONGEST_AUTHORITY + 1)
        at = text.rfind("@", start + 1, stop.start() if stop else start + LONGEST_AUTHORITY + 1)
        if at < 0 and (user := USER.match(text, start)):
            if address_end < user.end():
                ended = ADDRESS_END.search(text, user.end())
                address_end = ended.start() if ended else len(text)
            at = text.rfind("@", user.end() + 1, min(user.end() + LONGEST_PASSWORD + 1, address_end))
        if at >= 0:
            yield start, at
            end = at


CURL_USER = re.compile(r"\s(?:-u|--user)[ =]{0,2}[\"']?(?!\[redacted:)[^\s:\"']{1,128}:(?P<secret>[^\s\"']{1,256})")
CURL = re.compile(r"\bcurl\b")
CURL_REACH = 204


def scan_curl(text: str) -> Iterator[tuple[int, int]]:
    """`-u user:password` behind the word curl on the same line."""
    for match in CURL_USER.finditer(text, text.find("curl ")):
        place = match.start()
        low = max(0, place - CURL_REACH)
        if CURL.search(text, max(low, *(text.rfind(end, low, place) + 1 for end in "\r\n|")), place):
            yield match.span("secret")


# Every repeat is bounded or stands behind a literal that cannot occur inside it, so that a match
# attempt costs a bounded amount at each place and the whole stays linear on hostile text.
PATTERNS = (
    Pattern(
        "url-userinfo",
        USER,
        (AUTHORITY,),
        scan=scan_userinfo,
    ),
    Pattern(
        "jwt",
        re.compile(
            r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,16384}+\.[A-Za-z0-9_-]{2,16384}+"
            r"(?:\.[A-Za-z0-9_-]{0,16384}+){0,3}"
        ),
        ("eyJ",),
    ),
    Pattern(
        "bearer",
        re.compile(r"(?i)\bbearer[\s:]{1,4}(?P<secret>[A-Za-z0-9._~+/=-]{6,16384})"),
        ("bearer",),
        folded=True,
        is_secret=lambda found: found.lower().strip(".") not in BEARER_PROSE,
    ),
    Pattern(
        "basic",
        re.compile(r"(?i)\bbasic\s{1,4}(?P<secret>[A-Za-z0-9+/]{4,4096}={0,2})"),
        ("basic",),
        folded=True,
        is_secret=_is_user_and_password,
    ),
    Pattern("aws-key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"), ("AKIA", "ASIA", "ABIA", "ACCA")),
    Pattern(
        "github-token",
        re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{16,255}|github_pat_[A-Za-z0-9_]{20,255})"),
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    Pattern("gitlab-token", re.compile(r"\bglpat-[A-Za-z0-9_-]{16,255}"), ("glpat-",)),
    Pattern("slack-token", re.compile(r"\b(?:xox[a-z]|xapp)-[A-Za-z0-9-]{8,255}"), ("xox", "xapp-")),
    Pattern(
        "slack-webhook",
        re.compile(r"(?i)hooks\.slack\.com/services/(?P<secret>[A-Za-z0-9/]{8,255})"),
        ("hooks.slack.com",),
        folded=True,
    ),
    Pattern("google-key", re.compile(r"(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}"), ("AIza",)),
    Pattern(
        "google-key-id",
        re.compile(r"private_key_id\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?(?P<secret>[0-9a-f]{40})\b"),
        ("private_key_id",),
    ),
    Pattern("stripe-key", re.compile(r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}"), ("k_live_", "k_test_"), offset=-1),
    Pattern("npm-token", re.compile(r"\bnpm_[A-Za-z0-9]{30,255}"), ("npm_",)),
    Pattern("pypi-token", re.compile(r"\bpypi-[A-Za-z0-9_-]{50,1024}"), ("pypi-",)),
    Pattern("digitalocean-token", re.compile(r"\bdo[opr]_v1_[a-f0-9]{64}"), ("_v1_",), offset=-3),
    Pattern("sendgrid-key", re.compile(r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"), ("SG.",)),
    Pattern("twilio-key", re.compile(r"\bSK[0-9a-f]{32}\b"), ("SK",)),
    Pattern("vault-token", re.compile(r"\bhv[sbr]\.[A-Za-z0-9_-]{20,512}"), ("hvs.", "hvb.", "hvr.")),
    Pattern("age-key", re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{58}"), ("AGE-SECRET-KEY-1",)),
    Pattern(
        "model-key",
        re.compile(
            r"(?<![A-Za-z0-9_-])sk-(?:(?:proj|svcacct|admin|ant|or)-[A-Za-z0-9_-]{16,255}|[A-Za-z0-9]{32,128}(?![\w-]))"
        ),
        ("sk-",),
    ),
    Pattern(
        "signed-url",
        re.compile(r"(?:(?<=[?&;])|(?<=u0026))sig=(?P<secret>[^\s&\"'<>\\]{16,512})"),
        ("sig=",),
    ),
    Pattern(
        "curl-user",
        CURL_USER,
        ("curl ",),
        scan=scan_curl,
    ),
    Pattern(
        "authorization",
        re.compile(
            r"(?i)authorization\\{0,3}[\"']?\s{0,8}[:=]\s{0,8}\\{0,3}[\"']?"
            r"(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?+"
            r"(?P<secret>[^\s\"'\\,\[]{4,16384})"
        ),
        ("authorization",),
        folded=True,
    ),
    Pattern(
        "cookie",
        re.compile(r"(?i)\bcookie\\{0,3}[\"']?\s{0,8}:\s{0,8}\\{0,3}[\"']?(?P<secret>[^\r\n\"\\]{4,8192})"),
        ("cookie",),
        folded=True,
    ),
)

NAME_HINTS = ("pass", "pwd", "secret", "token", "credential", "key")
ASSIGNED = re.compile(
    rf"(?i){SENSITIVE_NAME}\\{{0,3}}[\"'\]]{{0,2}}[ \t]{{0,8}}(?:=>|:=|[:=])[ \t]{{0,8}}"
    r"(?:(?P<quote>\\{0,3}[\"'])(?P<secret>[^\r\n]{0,4096}?)(?P=quote)"
    r"|[\"']?(?P<bare>[^\s\"'\\,;&)}\]<>\[]{1,4096}))"
)
FLAGGED = re.compile(rf"(?i){SENSITIVE_NAME}[ \t]{{1,4}}[\"']?(?P<secret>(?![-\"'])[^\s\"']{{1,4096}})")
OWNER_BEFORE = re.compile(rf"(?:{KEY_OWNERS})[_-]?\Z")
LONGEST_OWNER = 11
FLAG_BEFORE = re.compile(r"--?(?:[a-z0-9]{1,20}[-_]){0,4}\Z")
WORD = re.compile(r"[\w-]*")
LONGEST_FLAG = 90


def _names(lowered: str, words: Sequence[str] = NAME_HINTS) -> list[int]:
    """Where a sensitive name may begin; `words` are those of NAME_HINTS that are there."""
    found = places(lowered, [word for word in words if word != "key"])
    for place in places(lowered, ["key"]) if "key" in words else ():
        owner = OWNER_BEFORE.search(lowered, max(0, place - LONGEST_OWNER), place)
        if owner:
            found.append(owner.start())
    return sorted(set(found)) if len(found) > 1 else found


def mask_assigned(text: str, lowered: str, names: list[int], hits: dict[str, int]) -> str:
    """`name = value`, where the value may be quoted (group `secret`) or bare (group `bare`)."""
    spans, end = [], 0
    for place in names:
        if place < end or (match := ASSIGNED.match(text, place)) is None:
            continue
        group = "secret" if match.group("quote") else "bare"
        found = match.group(group)
        end = match.end()
        if found.lower() not in NOT_A_SECRET and not found.startswith(MASKED):
            spans.append(match.span(group))
    return masked(text, spans, "assigned-secret", hits)


def mask_flags(text: str, lowered: str, names: list[int], hits: dict[str, int]) -> str:
    """`--db-password value`: two words of a command."""
    spans, end = [], 0
    for place in names:
        if place < end or place == 0 or lowered[place - 1] not in "-_":
            continue
        match = FLAGGED.match(text, place)
        if match is None or not _follows_dashes(lowered, place):
            continue
        end = match.end()
        if not match.group("secret").startswith(MASKED):
            spans.append(match.span("secret"))
    return masked(text, spans, "flag-secret", hits)


def _follows_dashes(lowered: str, place: int) -> bool:
    """Whether the word that goes on at `place` begins as a flag does."""
    before = WORD.match(lowered[max(0, place - LONGEST_FLAG) : place][::-1])
    return bool(before and FLAG_BEFORE.match(lowered, place - before.end(), place))


PEM_HINT = "-----BEGIN "
PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{3,48}-----")
PEM_END = re.compile(r"-----END [A-Z0-9 ]{3,48}-----")
PEM_LONGEST = 32_768
# A line of a block that was cut before its END: base64, perhaps behind a timestamp or a prefix.
PEM_LINE = re.compile(r"(?:\r?\n|\\n)(?:[^\r\n]{0,128}[\s|])?[A-Za-z0-9+/=]{16,128}(?=\r?\n|\\n|\Z)")


def mask_pem(text: str, hits: dict[str, int]) -> str:
    """Replace PEM blocks, over lines or with literal `\\n`, whole or cut off before their END."""
    pieces, place = [], 0
    end = PEM_END.search(text)
    while begin := PEM_BEGIN.search(text, place):
        if end and end.start() < begin.end():
            end = PEM_END.search(text, begin.end())
        near = end if end and end.end() <= begin.end() + PEM_LONGEST else None
        nested = near and PEM_BEGIN.search(text, begin.end(), near.start())
        stop = near.end() if near and not nested else begin.end()
        if stop == begin.end():
            while line := PEM_LINE.match(text, stop):
                stop = line.end()
        hits["pem"] = hits.get("pem", 0) + 1
        pieces += [text[place : begin.start()], MASK.format("pem")]
        place = stop
    return "".join([*pieces, text[place:]])


# One probe for many words costs less than a look for each, where they share a rare character.
PROBES = (
    (
        re.compile(r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]|AIza|AGE-S|S(?:K[0-9a-f]{4}|G\.)"),
        ("aws-key", "google-key", "age-key", "twilio-key", "sendgrid-key"),
    ),
    (
        re.compile(
            r"_(?:(?<=gh[pousr]_)|(?<=npm_)|(?<=_v1_)|(?<=k_live_)|(?<=k_test_)|(?<=github_pat_)|(?<=private_key_))"
        ),
        ("github-token", "npm-token", "digitalocean-token", "stripe-key", "google-key-id"),
    ),
    (re.compile(r"hv[sbr]\."), ("vault-token",)),
)
_PROBED = {name for _, names in PROBES for name in names}
_PLACE = {pattern.name: place for place, pattern in enumerate(PATTERNS)}
_PROBES = tuple((probe.search, [_PLACE[name] for name in names]) for probe, names in PROBES)
_EXACT = tuple(
    (hint, _PLACE[pattern.name])
    for pattern in PATTERNS
    if not pattern.folded and pattern.name not in _PROBED
    for hint in pattern.hints
)
_FOLDED = tuple((hint, _PLACE[pattern.name]) for pattern in PATTERNS if pattern.folded for hint in pattern.hints)


def folded(text: str) -> str:
    """In lower case and of the same length, so that a place in one is the same place in the other."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c if len(c.lower()) > 1 else c.lower() for c in text)


def has_hint(text: str) -> bool:
    """False for a text that no pattern can match."""
    for hint, _ in _EXACT:
        if hint in text:
            return True
    for probe, _ in _PROBES:
        if probe(text):
            return True
    lowered = text.lower()
    return bool(
        PEM_HINT in text
        or [hint for hint in NAME_HINTS if hint in lowered]
        or [1 for hint, _ in _FOLDED if hint in lowered]
    )


def mask_secrets(text: str, hits: dict[str, int]) -> str:
    """`text` with a mask in place of each secret, counted in `hits` by the name of its kind."""
    if PEM_HINT in text:
        text = mask_pem(text, hits)
    lowered = folded(text)
    hinted = [place for hint, place in _EXACT if hint in text]
    hinted += [place for hint, place in _FOLDED if hint in lowered]
    for probe, found in _PROBES:
        if probe(text):
            hinted += found
    for place in sorted(set(hinted)) if hinted else ():
        before, text = text, PATTERNS[place].apply(text, lowered, hits)
        lowered = lowered if text is before else folded(text)
    words = [hint for hint in NAME_HINTS if hint in lowered]
    for mask in (mask_assigned, mask_flags) if words else ():
        names = _names(lowered, words)
        before, text = text, mask(text, lowered, names, hits)
        lowered = lowered if text is before else folded(text)
    return text
