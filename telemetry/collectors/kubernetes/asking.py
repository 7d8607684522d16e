"""One question to one cluster: opened, asked, and its outcome said, whatever the server's JSON holds."""

from __future__ import annotations

from collections.abc import Callable

from telemetry.collectors.kubernetes.api import KubernetesApi
from telemetry.collectors.kubernetes.archive import Archive
from telemetry.collectors.kubernetes.connection import open_http
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.selection import Selection
from telemetry.collectors.times import parse_time
from telemetry.http import SourceError, outcome_of
from telemetry.observations import Budget, Connection, Outcome, Query, Sink, Status, Window
from telemetry.redaction import InvalidPattern, Redactor


def gathered(
    connection: Connection,
    query: Query,
    window: Window,
    budget: Budget,
    sink: Sink,
    gather: Callable[[Gathering], None],
    *,
    archive: Archive | None = None,
) -> Outcome:
    """What `gather` kept, and how it went; it never raises for the cluster's faults."""
    try:
        redactor = Redactor(connection.options.get("redact"), connection.digest_key)
        http = open_http(connection, budget)
    except InvalidPattern as error:
        return Outcome(Status.NOT_CONFIGURED, reason=str(error), remedy="Correct the pattern in this source.")
    except SourceError as error:
        return outcome_of(error, request=query.text)
    with http:
        gathering = Gathering(
            api=KubernetesApi(http),
            selection=Selection.of_params(query.params),
            window=window,
            sink=sink,
            redactor=redactor,
            items_allowed=budget.items,
            request=query.text,
            at=parse_time(query.params.get("at")),
            archive=archive,
        )
        try:
            gather(gathering)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The server's JSON is not of the shape that the API promises.
            words = f"an object has an unexpected shape ({type(error).__name__})"
            gathering.failures.append(SourceError(Status.ERROR, words, remedy="Report it with the server's version."))
        return gathering.outcome()
