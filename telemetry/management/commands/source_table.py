"""`manage.py source_table FILE`: writes the table of every source into a document, between its marks."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemetry.documents import renewed


class Command(BaseCommand):
    help = "Write the table of every source, as docs/using/sources.md shows it."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the document that holds the marks of the table")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            path.write_text(renewed(path.read_text()))
        except (OSError, ValueError) as problem:
            raise CommandError(f"{path}: {problem}") from None
