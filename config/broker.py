"""The broker's tables inside PostgreSQL, used when CELERY_BROKER_URL is pgmq://."""

from django.conf import settings
from django.db import connection, transaction
from pgmq.install import get_embedded_install_sql


def uses_postgresql() -> bool:
    return str(settings.CELERY_BROKER_URL).startswith("pgmq://")


def install() -> bool:
    """Create the queue schema once; True when it was created now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('debrief-broker'))")
        cursor.execute("SELECT to_regnamespace('pgmq')")
        if cursor.fetchone()[0] is not None:
            return False
        cursor.execute(get_embedded_install_sql())
        return True
