"""Reading the environment. A missing or malformed value stops the start with its name and what is expected."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict


class EnvironmentProblem(SystemExit):
    """One line for the operator: the variable's name and what was expected."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"debrief: {name}: {expected}")


def adopt_embedded_stack(base_dir: Path, values: MutableMapping[str, str] = os.environ) -> None:
    """Where no database is named, take the settings that the embedded stack left in its data directory."""
    if values.get("DATABASE_URL") or values.get("DATABASE_URL_FILE"):
        return
    path = Path(values.get("DEBRIEF_DATA_DIR") or base_dir / ".debrief") / "environment"
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        for name, _, value in (word.partition("=") for word in shlex.split(line)[1:]):
            values.setdefault(name, value)


class Environment:
    """Typed look-ups. Every name may also be given as NAME_FILE, a path whose content is the value."""

    def __init__(self, values: Mapping[str, str] = os.environ) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None) -> str:
        value = self._values.get(name, "")
        path = self._values.get(f"{name}_FILE", "")
        if value and path:
            raise EnvironmentProblem(name, f"set either {name} or {name}_FILE, not both")
        if path:
            value = self._read(name, Path(path))
        if value:
            return value
        if default is None:
            raise EnvironmentProblem(name, f"is not set; expected a value, or a path in {name}_FILE")
        return default

    def number(self, name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise EnvironmentProblem(name, f"is {value!r}; expected a whole number from {least} to {most}")
        return int(value)

    def words(self, name: str, default: str) -> list[str]:
        """At least one word; commas stand between them."""
        words = [word.strip() for word in self.text(name, default).split(",") if word.strip()]
        if not words:
            raise EnvironmentProblem(name, "holds nothing but commas; expected words with commas between them")
        return words

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        """One of `choices`, which are in capitals; small letters are taken too."""
        value = self.text(name, default).upper()
        if value not in choices:
            raise EnvironmentProblem(name, f"is {value!r}; expected one of {', '.join(choices)}")
        return value

    def origin(self, name: str, default: str) -> str:
        value = self.text(name, default).rstrip("/")
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
            raise EnvironmentProblem(name, f"is {value!r}; expected an address such as https://debrief.example.org")
        return value

    def address(self, name: str, default: str) -> str:
        """An http or https address with any path; empty where that is the default."""
        value = self.text(name, default)
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise EnvironmentProblem(name, "is no address; expected one such as https://chat.example.org/hooks/…")
        return value

    def token(self, name: str, prefix: str) -> str:
        """Empty where it is not set; the value itself is never shown."""
        value = self.text(name, "")
        if value and not value.startswith(prefix):
            raise EnvironmentProblem(name, f"does not start with {prefix}; expected the token of that kind")
        return value

    def database(self, name: str) -> dict[str, Any]:
        """Django's settings for a libpq address, any form that PostgreSQL's own clients take."""
        try:
            parts = conninfo_to_dict(self.text(name))
        except psycopg.ProgrammingError as problem:
            expected = "expected an address such as postgresql://user:password@host:5432/debrief"
            raise EnvironmentProblem(name, f"cannot be read ({str(problem).strip()}); {expected}") from None
        taken = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        settings: dict[str, Any] = {key: str(parts.pop(part, None) or "") for key, part in taken.items()}
        if not settings["NAME"]:
            raise EnvironmentProblem(name, "names no database; expected postgresql://user:password@host:5432/debrief")
        return {"ENGINE": "django.db.backends.postgresql", **settings, "OPTIONS": dict(parts)}

    def _read(self, name: str, path: Path) -> str:
        try:
            return path.read_text().strip()
        except OSError as problem:
            raise EnvironmentProblem(f"{name}_FILE", f"cannot read {path}: {problem.strerror}") from None
