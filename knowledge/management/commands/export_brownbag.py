"""`manage.py export_brownbag ID --format F --output FILE`: a session as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Role, User
from knowledge.exports.formats import FORMATS
from knowledge.exports.problems import ExportProblem
from knowledge.exports.subjects import of_session, visible_items
from knowledge.exports.writing import write
from knowledge.models import BrownBagSession


class Command(BaseCommand):
    help = "Write a brown-bag session as a file, as an admin sees it or as --as USER does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int)
        parser.add_argument("--format", choices=sorted(FORMATS["brownbag"]), default="html")
        parser.add_argument("--output", help="a file; default: standard output")
        parser.add_argument("--as", dest="person", help="username: leave out what this person may not see")

    def handle(self, *args: Any, **options: Any) -> None:
        session = BrownBagSession.objects.select_related("host").filter(pk=options["id"]).first()
        if session is None:
            raise CommandError(f"There is no brown-bag session {options['id']}.")
        named = options["person"]
        person = User.objects.find(named) if named else User.objects.filter(role=Role.ADMIN, is_active=True).first()
        if person is None:
            raise CommandError(
                f"No person has the username or e-mail address {named!r}." if named else "There is no admin."
            )
        items, left_out = visible_items(session, person)
        prepared = of_session(session, items, left_out, person=person)
        try:
            content = write(prepared, "brownbag", options["format"])
        except ExportProblem as problem:
            raise CommandError(str(problem)) from None
        if not options["output"]:
            sys.stdout.buffer.write(content)
            return
        try:
            Path(options["output"]).write_bytes(content)
        except OSError as problem:
            raise CommandError(f"--output: cannot write {options['output']}: {problem.strerror}") from None
        self.stdout.write(f"{options['output']}: {len(items)} agenda items")
