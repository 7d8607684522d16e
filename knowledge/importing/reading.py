"""Files as Markdown: as they are, or through pandoc, without losing a word."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pypandoc
import yaml

from incidents.models.postmortem import BODY_LIMIT
from knowledge.importing.flattening import flatten

ENDINGS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "markdown",
    ".html": "html",
    ".htm": "html",
    ".docx": "docx",
}
LARGEST = 8 * 1024 * 1024
SECONDS = 60
# What one conversion may take; a file made to unfold endlessly ends here.
MEMORY = "-M1024m"
LONGEST_FRONT = 20_000
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


class Unreadable(Exception):
    """A file that cannot be taken; the text says why and what would do."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Document:
    """`body` is Markdown; a front matter stands below it as it was, and its pairs are in `front`.

    `digest` is of the file as it lay there.
    """

    path: str
    name: str
    digest: str
    body: str
    front: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_files(root: Path) -> list[Path]:
    """Every file of a known ending below, by name; hidden folders are left alone."""
    if root.is_file():
        return [root]
    found = [path for path in root.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file()]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def read_document(path: Path, root: Path) -> Document:
    """Raises Unreadable."""
    name = str(path.relative_to(root)) if path != root else path.name
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        raise Unreadable("is a link that leads out of the folder; expected a file in it")
    if path.suffix.lower() not in ENDINGS:
        raise Unreadable(f"ends in {path.suffix or 'nothing'}; expected one of {', '.join(ENDINGS)}")
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as problem:
        raise Unreadable(f"cannot be read: {problem.strerror}") from None
    if size > LARGEST:
        raise Unreadable(f"has {size / 2**20:.0f} MiB; expected at most {LARGEST // 2**20}")
    kind = ENDINGS[path.suffix.lower()]
    text, notes = _decoded(data) if kind != "docx" else ("", [])
    if kind != "markdown":
        text = convert(data if kind == "docx" else text.encode(), kind)
    body, front, more = _apart(_storable(text.replace("\r\n", "\n").replace("\r", "\n")))
    if not body.strip():
        raise Unreadable("is empty")
    if len(body) > BODY_LIMIT:
        raise Unreadable(f"has {len(body):,} characters of text; expected at most {BODY_LIMIT:,}")
    digest = hashlib.sha256(data).hexdigest()
    return Document(name, path.stem, digest, body.strip() + "\n", front, (*notes, *more))


def convert(data: bytes, kind: str) -> str:
    """HTML or DOCX as Markdown that our renderer knows: tables flat, no raw HTML."""
    tree = json.loads(_pandoc(data, ["-f", kind, "-t", "json"]))
    flat = json.dumps(flatten(tree)).encode()
    return _pandoc(flat, ["-f", "json", "-t", "gfm-raw_html", "--wrap=preserve", "--columns=10000"]).decode()


def _pandoc(data: bytes, options: list[str]) -> bytes:
    command = [pypandoc.get_pandoc_path(), "+RTS", MEMORY, "-RTS", "--sandbox", *options]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - our own program, its input on a pipe
    except subprocess.TimeoutExpired:
        raise Unreadable(f"took pandoc more than {SECONDS} s") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unreadable(f"could not be read by pandoc: {words[-1][:200] if words else 'no reason given'}")
    return done.stdout


def _decoded(data: bytes) -> tuple[str, list[str]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), []
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), ["It is not UTF-8; read as Windows-1252."]


def _apart(text: str) -> tuple[str, dict[str, Any], list[str]]:
    """Body and front matter; one that is no YAML stays in the body, so that nothing is lost."""
    found = _FRONT.match(text)
    if found is None:
        return text, {}, []
    try:
        front = yaml.safe_load(found[1]) if len(found[1]) <= LONGEST_FRONT else None
    except (yaml.YAMLError, ValueError, RecursionError):
        return text, {}, ["Its front matter is no YAML and stays in the text."]
    if not isinstance(front, dict):
        return text, {}, []
    # As it was written: keys that mean nothing here are somebody's words too.
    kept = f"{text[found.end() :].rstrip()}\n\n## Front matter\n\n```yaml\n{found[1]}\n```\n"
    return kept, {str(key): _plain(value) for key, value in front.items()}, []


def _plain(value: Any) -> Any:
    """Scalars and lists of them; what nests may unfold without end (aliases)."""
    if isinstance(value, list):
        return [_plain(one) for one in value[:50] if isinstance(one, str | int | float | date)]
    if isinstance(value, str):
        return _storable(value)
    return value if isinstance(value, int | float | date) else ""


def _storable(text: str) -> str:
    """Without what no database takes: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
