"""`manage.py export_brownbag ID --format F --output FILE`: a session's report as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Role, User
from knowledge.exports import FORMATS, export
from knowledge.models import BrownBagSession
from knowledge.reading import visible_items


class Command(BaseCommand):
    help = "Write the report of a brown-bag session, as an admin sees it or as --as USER does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int)
        parser.add_argument("--format", choices=sorted(FORMATS), default="html")
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
        content = export(session, items, form=options["format"], person=person, left_out=left_out)
        if not options["output"]:
            sys.stdout.write(content)
            return
        try:
            Path(options["output"]).write_text(content, encoding="utf-8")
        except OSError as problem:
            raise CommandError(f"--output: cannot write {options['output']}: {problem.strerror}") from None
        self.stdout.write(f"{options['output']}: {len(items)} agenda items")
