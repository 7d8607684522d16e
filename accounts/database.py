from __future__ import annotations

from django.conf import settings
from psycopg.conninfo import make_conninfo


def conninfo() -> str:
    """Of our own database, for sessions that are not Django's."""
    database = settings.DATABASES["default"]
    parts = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    told = {part: database[name] for part, name in parts.items() if database[name]}
    more = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    return make_conninfo(**told, **more)
