"""`make bench`: every benchmark as a table, and with BENCH_OUT=file as JSON. Names on the line run these alone."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from config.embedded.postgres import EmbeddedPostgres

ALL = (
    *(
        "rendering",
        "pages",
        "writing",
        "slack",
        "collecting",
        "recording",
        "searching",
        "matching",
        "archive",
        "redaction",
    ),
    *("intake", "exporting"),
)


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="debrief-bench-"))
    home.chmod(0o755)
    server = EmbeddedPostgres(home)
    try:
        parts = conninfo_to_dict(server.start())
        os.environ |= {
            "DATABASE_URL": f"postgresql://{parts['user']}:{parts['password']}@/{parts['dbname']}?host={parts['host']}",
            "SECRET_KEY": "only-for-measuring-only-for-measuring-only",
            "ALLOWED_HOSTS": "testserver,127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        figures = _run()
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
    _show(figures)
    if out := os.environ.get("BENCH_OUT"):
        Path(out).write_text(json.dumps([figure.row() for figure in figures], indent=2, ensure_ascii=False) + "\n")


def _run() -> list:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("bootstrap", verbosity=0, stdout=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    return [figure for name in sys.argv[1:] or ALL for figure in import_module(f"benchmarks.{name}").figures()]


def _show(figures: list) -> None:
    width = max(len(figure.name) for figure in figures)
    print(f"{'':{width}}  {'value':>10} {'floor':>10} {'unit':8} {'ratio':>7}  aim")
    for figure in figures:
        mark = "" if figure.holds else "  not met"
        print(
            f"{figure.name:{width}}  {figure.value:>10} {figure.floor:>10} {figure.unit:8} {figure.ratio:>7}  {figure.aim}{mark}"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
