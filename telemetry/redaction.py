"""Takes secrets out of text and of Kubernetes objects before anything stores, sends or logs them.

Each pattern has a name; what it finds becomes `[redacted:NAME]` and is counted under that name.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telemetry.digests import ValueDigests
from telemetry.expressions import InvalidPattern as InvalidPattern
from telemetry.expressions import safe_expression as safe_expression
from telemetry.secrets import MASK, NOT_A_SECRET, SENSITIVE_NAME, Pattern, has_hint, mask_secrets

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_DEPTH = 64
# A custom expression never sees more than this at once, so a slow one stays a slow one, not a hang.
CUSTOM_PIECE = 4_000
SECRET_KEY = re.compile(rf"(?i){SENSITIVE_NAME}\Z|authorization\Z|cookie\Z")
SECRET_FLAG = re.compile(rf"(?i)\A--?(?:[a-z0-9]{{1,20}}[-_]){{0,4}}{SENSITIVE_NAME}\Z")
REFERENCE = frozenset({"secretName", "name", "namespace", "kind", "key", "items", "optional", "defaultMode"})
SHORT = 64
# No secret is known by its looks in fewer letters and digits without anything between them.
SHORTEST = 20
_NESTED = frozenset({str, dict, list})


def storable(text: str) -> str:
    """`text` without what a database refuses: NUL and halves of surrogate pairs."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
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


@functools.lru_cache(maxsize=8_192)
def _short_has_hint(text: str) -> bool:
    return has_hint(text)


@functools.lru_cache(maxsize=8_192)
def _names_a_secret(key: str) -> bool:
    return bool(SECRET_KEY.search(key))


def _is_secret(key: str, item: Any) -> bool:
    """Whether the value under a secret's name is one: not a word for nothing, a count or the name of a Secret."""
    if isinstance(item, str):
        return item.lower() not in NOT_A_SECRET
    if item is None or isinstance(item, bool):
        return False
    if isinstance(item, int | float):
        return not key.lower().endswith("s")
    return bool(item) and not _names_secrets(key, item)


def _names_secrets(key: str, item: Any) -> bool:
    """`secret: {secretName: tls}`, `imagePullSecrets: [{name: registry}]`: Kubernetes tells where a secret is."""
    if isinstance(item, list | tuple):
        return all(isinstance(one, Mapping) and _names_secrets(key, one) for one in item)
    return (
        key.lower().endswith(("secret", "secrets"))
        and ("secretName" in item or "name" in item)
        and REFERENCE.issuperset(item)
    )


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
        return not (_short_has_hint(text) if len(text) <= SHORT else has_hint(text))

    def text(self, text: str) -> Redacted:
        text = storable(text)
        hits: dict[str, int] = {}
        return Redacted(self._masked(text, hits), hits)

    def _masked(self, text: str, hits: dict[str, int]) -> str:
        text = mask_secrets(text, hits)
        for pattern in self._custom:
            text = "".join(pattern.apply(piece, piece, hits) for piece in _pieces(text))
        return text

    def clean_text(self, text: str) -> str:
        """`text(…).text` for those who count nothing."""
        if len(text) < SHORTEST and text.isalnum() and not self._custom:
            return text
        if len(text) <= SHORT and not self._custom and text.isprintable() and not _short_has_hint(text):
            return text
        return self._masked(storable(text), {})

    def clean(self, value: Any) -> Any:
        """`value(…).value` for those who count nothing and have it from JSON: at a third of the cost."""
        return self._clean(value, 0)

    def _clean(self, value: Any, depth: int) -> Any:
        if type(value) is str:
            return self.clean_text(value)
        if type(value) is dict:
            if depth > MAX_DEPTH:
                return MASK.format("too-deep")
            kept = {}
            for key, item in value.items():
                if type(key) is not str or not key.isprintable():
                    key = storable(str(key))
                if _names_a_secret(key) and _is_secret(key, item):
                    kept[key] = MASK.format("assigned-secret")
                elif type(item) is str:
                    kept[key] = self.clean_text(item)
                else:
                    kept[key] = self._clean(item, depth + 1) if type(item) in _NESTED else item
            return kept
        if type(value) is list:
            return MASK.format("too-deep") if depth > MAX_DEPTH else [self._clean(item, depth + 1) for item in value]
        return value

    def value(self, value: Any) -> Trimmed:
        """Redact every string in a JSON-like value; what stands under a secret's name goes entirely."""
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
        if _names_a_secret(key) and _is_secret(key, item):
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


def _compile(name: str, source: str) -> Pattern:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise InvalidPattern(name, "a name of lower-case letters, digits and dashes, at most 40")
    expression = safe_expression(source, name)
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
