"""Takes secrets out of text and of Kubernetes objects before anything stores, sends or logs them.

Each pattern has a name; what it finds becomes `[redacted:NAME]` and is counted under that name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from telemetry.digests import ValueDigests

MASK = "[redacted:{}]"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_DEPTH = 64
# A custom expression never sees more than this at once, so a slow one stays a slow one, not a hang.
CUSTOM_PIECE = 4_000

SENSITIVE_NAME = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|(?:api|access|private|signing|encryption)[_-]?key)s?"
    r"(?:[_-]?(?:value|raw|hash|b(?:ase)?64|v?\d{1,2}))?"
)
SECRET_KEY = re.compile(rf"(?i){SENSITIVE_NAME}\Z|authorization\Z|cookie\Z")
SECRET_FLAG = re.compile(rf"(?i)\A--?(?:[a-z0-9]{{1,20}}[-_]){{0,4}}{SENSITIVE_NAME}\Z")
NOT_A_SECRET = frozenset({"", "null", "nil", "none", "true", "false", "undefined", "<nil>", "***", "******"})
BEARER_PROSE = frozenset({"authentication", "authorization", "credential", "credentials", "scheme", "tokens"})


class InvalidPattern(ValueError):
    """A custom pattern that cannot be used; `field` names it, `expected` says what would do."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"redaction pattern {name!r}: expected {expected}")
        self.field = name
        self.expected = expected


def storable(text: str) -> str:
    """`text` without what a database refuses: NUL and halves of surrogate pairs."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def storable_value(value: Any) -> Any:
    """`storable` for every text and name in a JSON-like value."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_value(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable_value(item) for key, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text without its secrets, and how many were taken out by pattern name."""

    text: str
    hits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A JSON-like value without its secrets, and how many were taken out by pattern name."""

    value: Any
    hits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret.

    `hints` are lower-case words one of which must be in the text for a match to be possible; the
    group `secret`, if there is one, is what gets replaced; `is_secret` may refuse a match.
    """

    name: str
    expression: re.Pattern[str]
    hints: tuple[str, ...] = ()
    is_secret: Callable[[str], bool] = lambda _: True

    def apply(self, text: str, hits: Counter[str]) -> str:
        group = "secret" if "secret" in self.expression.groupindex else 0

        def replace(match: re.Match[str]) -> str:
            found = match.group(group)
            if not found or found.startswith("[redacted:") or not self.is_secret(found):
                return match.group()
            hits[self.name] += 1
            start, end = match.span(group)
            whole, offset = match.group(), match.start()
            return whole[: start - offset] + MASK.format(self.name) + whole[end - offset :]

        return self.expression.sub(replace, text)


def _is_user_and_password(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


# Every repeat is bounded or stands behind a literal that cannot occur inside it, so that a match
# attempt costs a bounded amount at each place and the whole stays linear on hostile text.
PATTERNS = (
    Pattern(
        "url-userinfo",
        re.compile(
            r"(?<=://)(?P<secret>[^\s/?#\"'<>]{1,512}"
            r"|[^\s/:@\"'<>]{0,128}:(?!\d{1,5}[/?#])[^\s\"'<>]{1,256})(?=@)"
        ),
        ("://",),
    ),
    Pattern(
        "jwt",
        re.compile(
            r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,16384}+\.[A-Za-z0-9_-]{2,16384}+"
            r"(?:\.[A-Za-z0-9_-]{0,16384}+){0,3}"
        ),
        ("eyj",),
    ),
    Pattern(
        "bearer",
        re.compile(r"(?i)\bbearer[\s:]{1,4}(?P<secret>[A-Za-z0-9._~+/=-]{6,16384})"),
        ("bearer",),
        lambda found: found.lower().strip(".") not in BEARER_PROSE,
    ),
    Pattern(
        "basic",
        re.compile(r"(?i)\bbasic\s{1,4}(?P<secret>[A-Za-z0-9+/]{4,4096}={0,2})"),
        ("basic",),
        _is_user_and_password,
    ),
    Pattern("aws-key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"), ("akia", "asia", "abia", "acca")),
    Pattern(
        "github-token",
        re.compile(r"\b(?:gh[a-z]_[A-Za-z0-9]{16,255}|github_pat_[A-Za-z0-9_]{20,255})"),
        ("gh", "github_pat_"),
    ),
    Pattern("gitlab-token", re.compile(r"\bglpat-[A-Za-z0-9_-]{16,255}"), ("glpat-",)),
    Pattern("slack-token", re.compile(r"\b(?:xox[a-z]|xapp)-[A-Za-z0-9-]{8,255}"), ("xox", "xapp-")),
    Pattern(
        "slack-webhook",
        re.compile(r"(?i)(?<=hooks\.slack\.com/services/)(?P<secret>[A-Za-z0-9/]{8,255})"),
        ("hooks.slack.com",),
    ),
    Pattern(
        "authorization",
        re.compile(
            r"(?i)authorization\\{0,3}[\"']?\s{0,8}[:=]\s{0,8}\\{0,3}[\"']?"
            r"(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?+"
            r"(?P<secret>[^\s\"'\\,\[]{4,16384})"
        ),
        ("authorization",),
    ),
    Pattern(
        "cookie",
        re.compile(r"(?i)\b(?:set-)?cookie\\{0,3}[\"']?\s{0,8}:\s{0,8}\\{0,3}[\"']?(?P<secret>[^\r\n\"\\]{4,8192})"),
        ("cookie",),
    ),
    Pattern(
        "assigned-secret",
        re.compile(
            rf"(?i){SENSITIVE_NAME}\\{{0,3}}[\"'\]]{{0,2}}[ \t]{{0,8}}(?:=>|:=|[:=])[ \t]{{0,8}}"
            r"(?:(?P<quote>\\{0,3}[\"'])(?P<secret>[^\r\n]{0,4096}?)(?P=quote)"
            r"|[\"']?(?P<bare>[^\s\"'\\,;&)}\]<>\[]{1,4096}))"
        ),
        ("pass", "pwd", "secret", "token", "credential", "key"),
    ),
    Pattern(
        "flag-secret",
        re.compile(
            rf"(?i)(?<![\w-])--?(?:[a-z0-9]{{1,20}}[-_]){{0,4}}{SENSITIVE_NAME}[ \t]{{1,4}}"
            r"[\"']?(?P<secret>(?![-\"'])[^\s\"']{1,4096})"
        ),
        ("-pass", "pwd", "secret", "token", "credential", "key", "password"),
    ),
)


def _mask_assigned(pattern: Pattern, text: str, hits: Counter[str]) -> str:
    """`name = value`, where the value may be quoted (group `secret`) or bare (group `bare`)."""

    def replace(match: re.Match[str]) -> str:
        group = "secret" if match.group("quote") else "bare"
        found = match.group(group)
        if found.lower() in NOT_A_SECRET or found.startswith("[redacted:"):
            return match.group()
        hits[pattern.name] += 1
        start, end = (place - match.start() for place in match.span(group))
        return match.group()[:start] + MASK.format(pattern.name) + match.group()[end:]

    return pattern.expression.sub(replace, text)


PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{3,48}-----")
PEM_END = re.compile(r"-----END [A-Z0-9 ]{3,48}-----")
PEM_LONGEST = 32_768
# A line of a block that was cut before its END: base64, perhaps behind a timestamp or a prefix.
PEM_LINE = re.compile(r"(?:\r?\n|\\n)(?:[^\r\n]{0,128}[\s|])?[A-Za-z0-9+/=]{16,128}(?=\r?\n|\\n|\Z)")


def _mask_pem(text: str, hits: Counter[str]) -> str:
    """Replace PEM blocks, over lines or with literal `\\n`, whole or cut off before their END."""
    pieces, place = [], 0
    while begin := PEM_BEGIN.search(text, place):
        end = PEM_END.search(text, begin.end(), begin.end() + PEM_LONGEST)
        nested = PEM_BEGIN.search(text, begin.end(), end.start() if end else begin.end())
        stop = end.end() if end and not nested else begin.end()
        if stop == begin.end():
            while line := PEM_LINE.match(text, stop):
                stop = line.end()
        hits["pem"] += 1
        pieces += [text[place : begin.start()], MASK.format("pem")]
        place = stop
    return "".join([*pieces, text[place:]])


PEM = -1
_HINTS: dict[str, list[int]] = {"-----begin ": [PEM]}
for _place, _pattern in enumerate(PATTERNS):
    for _hint in _pattern.hints:
        _HINTS.setdefault(_hint, []).append(_place)


class Redactor:
    """The built-in patterns and an operator's own: a mapping of name to regular expression.

    `digest_key` is that of `digested`. Raises `InvalidPattern` for a custom name or expression that is malformed
    or could run away.
    """

    def __init__(self, custom: Mapping[str, str] | None = None, digest_key: bytes = b"") -> None:
        self._custom = tuple(_compile(name, source) for name, source in (custom or {}).items())
        self._digests = ValueDigests(digest_key) if digest_key else None

    def passes(self, text: str) -> bool:
        """True for text that `text` would leave as it is, told at a tenth of the cost: nearly all of millions."""
        if self._custom or not text.isprintable():
            return False
        lowered = text.lower()
        return not [hint for hint in _HINTS if hint in lowered]

    def text(self, text: str) -> Redacted:
        text = storable(text)
        lowered = text.lower()
        hinted = {place for hint, places in _HINTS.items() if hint in lowered for place in places}
        if not hinted and not self._custom:
            return Redacted(text)
        hits: Counter[str] = Counter()
        if PEM in hinted:
            text = _mask_pem(text, hits)
        for place, pattern in enumerate(PATTERNS):
            if place in hinted:
                apply = _mask_assigned if pattern.name == "assigned-secret" else Pattern.apply
                text = apply(pattern, text, hits)
        for pattern in self._custom:
            text = "".join(pattern.apply(piece, hits) for piece in _pieces(text))
        return Redacted(text, dict(hits))

    def value(self, value: Any) -> Trimmed:
        """Redact every string in a JSON-like value; strings under a secret's name go entirely."""
        hits: Counter[str] = Counter()
        return Trimmed(self._walk(value, hits, 0, kubernetes=False), dict(hits))

    def digested(self, obj: Mapping[str, Any], resource: str) -> Mapping[str, Any]:
        """`ValueDigests.put_into`, or the object as it is where there is no key."""
        return self._digests.put_into(obj, resource) if self._digests else obj

    def trim_object(self, obj: Mapping[str, Any], *, kind: str = "") -> Trimmed:
        """A Kubernetes object as it may be kept.

        Gone: `env[].value` (names and valueFrom stay), values of probe headers, managedFields,
        last-applied-configuration, data of Secrets and ConfigMaps. All other text is redacted.
        `kind` is for list items, which do not carry their own.
        """
        hits: Counter[str] = Counter()
        kept = dict(obj)
        if (kind or obj.get("kind")) in {"Secret", "ConfigMap"}:
            kept = {key: kept[key] for key in kept if key not in {"data", "stringData", "binaryData"}}
        return Trimmed(self._walk(kept, hits, 0, kubernetes=True), dict(hits))

    def _walk(self, value: Any, hits: Counter[str], depth: int, *, kubernetes: bool) -> Any:
        if isinstance(value, str):
            found = self.text(value)
            hits.update(found.hits)
            return found.text
        if depth > MAX_DEPTH:
            return MASK.format("too-deep") if isinstance(value, Mapping | list | tuple) else value
        if isinstance(value, list | tuple):
            return [self._walk(item, hits, depth + 1, kubernetes=kubernetes) for item in value]
        if isinstance(value, Mapping):
            member = self._object_member if kubernetes else self._named_member
            kept = ((storable(str(key)), item) for key, item in value.items())
            return {key: member(key, item, hits, depth) for key, item in kept if not (kubernetes and _unkept(key))}
        return value

    def _named_member(self, key: str, item: Any, hits: Counter[str], depth: int) -> Any:
        if isinstance(item, str) and SECRET_KEY.search(key) and item.lower() not in NOT_A_SECRET:
            hits["assigned-secret"] += 1
            return MASK.format("assigned-secret")
        return self._walk(item, hits, depth + 1, kubernetes=False)

    def _object_member(self, key: str, item: Any, hits: Counter[str], depth: int) -> Any:
        if isinstance(item, list) and key in {"env", "httpHeaders"}:
            item = [_without_value(entry) for entry in item]
        elif isinstance(item, list) and key in {"command", "args"}:
            item = _mask_flag_values(item, hits)
        return self._walk(item, hits, depth + 1, kubernetes=True)


def _unkept(key: str) -> bool:
    return key in {"managedFields", LAST_APPLIED}


def _without_value(entry: Any) -> Any:
    return {key: entry[key] for key in entry if key != "value"} if isinstance(entry, Mapping) else entry


def _mask_flag_values(words: list[Any], hits: Counter[str]) -> list[Any]:
    """`["--password", "x"]`: a secret's flag and its value may be two words of a command."""
    masked, follows_flag = [], False
    for word in words:
        hide = follows_flag and isinstance(word, str) and not word.startswith("-")
        if hide:
            hits["flag-secret"] += 1
        masked.append(MASK.format("flag-secret") if hide else word)
        follows_flag = isinstance(word, str) and bool(SECRET_FLAG.match(word))
    return masked


def _pieces(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    return [line[i : i + CUSTOM_PIECE] for line in lines for i in range(0, len(line), CUSTOM_PIECE)]


UNBOUNDED = re.compile(r"[*+]|\{\d*,\}|\{\d*,\d{4,}\}")


def _compile(name: str, source: str) -> Pattern:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise InvalidPattern(name, "a name of lower-case letters, digits and dashes, at most 40")
    if not source or len(source) > 300:
        raise InvalidPattern(name, "an expression of 1 to 300 characters")
    try:
        expression = re.compile(source)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidPattern(name, f"a regular expression of Python's `re` ({error})") from None
    # Classes and escapes go first: a star inside them is a character, not a repeat.
    bare = re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "x", re.sub(r"\\[^1-9]", "x", source))
    if re.search(r"\\[1-9]|\(\?P=", bare):
        raise InvalidPattern(name, "no back-references")
    repeats = len(UNBOUNDED.findall(bare))
    if repeats > 2 or (repeats and re.search(r"\)(?:[*+]|\{)", bare)):
        raise InvalidPattern(name, "at most two open-ended repeats, and none on a group")
    if expression.match("") is not None:
        raise InvalidPattern(name, "an expression that does not match the empty text")
    return Pattern(name, expression)


DEFAULT = Redactor()


def redact_text(text: str) -> Redacted:
    """`text` without the secrets that the built-in patterns know."""
    return DEFAULT.text(text)


def trim_object(obj: Mapping[str, Any], *, kind: str = "") -> Trimmed:
    """`Redactor.trim_object` with the built-in patterns alone."""
    return DEFAULT.trim_object(obj, kind=kind)
