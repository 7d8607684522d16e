"""The test database seen as a whole: its address for other processes, wiping it, reading all that is written in it."""

from __future__ import annotations

import importlib
import os
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from incidents.models import Severity

SETTING_UP = (
    "incidents.migrations.0003_severities_and_templates",
    "incidents.migrations.0021_recovery_in_shipped_templates",
    "knowledge.migrations.0002_checklists",
    "knowledge.migrations.0020_shipped_checklists",
)


def parts() -> dict[str, Any]:
    """The libpq parts of this worker's own test database."""
    return conninfo_to_dict(os.environ["DATABASE_URL"]) | {"dbname": connection.settings_dict["NAME"]}


def conninfo() -> str:
    return make_conninfo(**parts())


def url() -> str:
    """As a DATABASE_URL for another process."""
    found = parts()
    return f"postgresql://{found['user']}:{found['password']}@/{found['dbname']}?host={found['host']}"


def environment(**more: str) -> dict[str, str]:
    """What another process of Debrief needs to work on this worker's database."""
    return {**os.environ, "DATABASE_URL": url(), "DJANGO_SETTINGS_MODULE": "config.settings", **more}


def restore_reference_data() -> None:
    """What migrations put in and a flush takes away."""
    if not Severity.objects.exists():
        for name in SETTING_UP:
            importlib.import_module(name).add(apps, None)


def purge_queue() -> None:
    """Tasks that an earlier test left in the broker."""
    with connection.cursor() as cursor:
        for table in _columns("pgmq", ("jsonb",)):
            if table.startswith("q_"):
                cursor.execute(sql.SQL("TRUNCATE pgmq.{}").format(sql.Identifier(table)))


def wipe() -> None:
    call_command("flush", verbosity=0, interactive=False)
    purge_queue()
    restore_reference_data()


def _columns(schema: str, types: tuple[str, ...]) -> dict[str, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE c.table_schema = %s AND t.table_type = 'BASE TABLE' AND c.udt_name = ANY(%s)",
            [schema, list(types)],
        )
        found: dict[str, list[str]] = {}
        for table, column in cursor.fetchall():
            found.setdefault(table, []).append(column)
    return found


TEXT_TYPES = ("text", "varchar", "bpchar", "json", "jsonb", "_text", "_varchar", "bytea", "name")


def places_of(secret: str) -> list[str]:
    """`table.column` of every column, the broker's included, in which `secret` is written."""
    found = []
    with connection.cursor() as cursor:
        for schema in ("public", "pgmq"):
            for table, columns in _columns(schema, TEXT_TYPES).items():
                for column in columns:
                    query = sql.SQL("SELECT 1 FROM {}.{} WHERE {}::text LIKE %s LIMIT 1").format(
                        *(sql.Identifier(name) for name in (schema, table, column))
                    )
                    cursor.execute(query, [f"%{secret}%"])
                    if cursor.fetchone():
                        found.append(f"{table}.{column}")
    return found
