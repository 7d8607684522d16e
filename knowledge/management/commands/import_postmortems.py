"""`manage.py import_postmortems PATH`: post-mortems of a file or a folder (Markdown, HTML, DOCX) are taken in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import Role, User
from accounts.problems import InvalidInput
from knowledge.actions.importing import import_postmortem
from knowledge.importing.planning import Planned, plan


class Command(BaseCommand):
    help = "Import existing post-mortems. Each file becomes a closed incident; a file that was imported is left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="a file, or a folder that is searched with all below it")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        parser.add_argument("--as", dest="person", help="username of who imports; default: the first admin")

    def handle(self, *args: Any, **options: Any) -> None:
        root = Path(options["path"])
        if not root.exists():
            raise CommandError(f"path: there is no {root}; expected a file or a folder")
        by = self._person(options["person"])
        counts = {"new": 0, "known": 0, "left": 0}
        for one in plan(root):
            counts[self._one(one, by, dry=options["dry_run"])] += 1
        if not any(counts.values()):
            raise CommandError(f"path: {root} holds no .md, .markdown, .txt, .html, .htm or .docx")
        done = "would be imported" if options["dry_run"] else "imported"
        self.stdout.write(f"{counts['new']} {done}, {counts['known']} already here, {counts['left']} left out")

    def _person(self, named: str | None) -> User:
        person = User.objects.find(named) if named else User.objects.filter(role=Role.ADMIN, is_active=True).first()
        if person is None:
            raise CommandError(
                f"--as: nobody has the username or e-mail address {named!r}" if named else "There is no admin yet."
            )
        return person

    def _one(self, one: Planned, by: User, *, dry: bool) -> str:
        if one.known:
            self.stdout.write(f"{one.path}: is {one.known} already")
            return "known"
        if one.problem or one.recognised is None:
            self.stdout.write(f"{one.path}: left out, it {one.problem}")
            return "left"
        try:
            key = "new" if dry else import_postmortem(planned=one, by=by, now=timezone.now()).incident.key
        except (InvalidInput, ValidationError, DatabaseError) as problem:
            self.stdout.write(f"{one.path}: left out, {problem}")
            return "left"
        self.stdout.write(f"{one.path}: {key}, {_told(one)}")
        for note in one.recognised.notes:
            self.stdout.write(f"    {note}")
        return "new"


def _told(one: Planned) -> str:
    known = one.recognised
    assert known is not None  # noqa: S101 - only planned files come here
    parts = [
        f"“{known.title}”",
        f"severity {known.severity}" if known.severity else "no severity",
        f"{known.at:%Y-%m-%d %H:%M} UTC" if known.at else "no date",
        f"until {known.resolved_at:%Y-%m-%d %H:%M} UTC" if known.resolved_at else "",
        f"services {', '.join(known.services)}" if known.services else "",
        f"tags {', '.join(known.tags)}" if known.tags else "",
    ]
    return ", ".join(part for part in parts if part)
