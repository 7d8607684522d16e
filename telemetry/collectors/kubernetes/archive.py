"""What the collector wants of an archive. It knows none itself: whoever builds the collector hands one in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from telemetry.collectors.kubernetes.api import Item, Resource
from telemetry.coverage import Coverage
from telemetry.observations import Window


@dataclass(frozen=True, slots=True)
class State:
    """An object as it was in [changed_at, until_at); without `changed_at` as the cluster shows it now.

    `item` is as the API sends it, though trimmed and redacted if it comes from an archive: `redactions`
    counts what was taken out then. `is_gone`: this was the object's last state.
    """

    item: Item
    changed_at: datetime | None = None
    until_at: datetime | None = None
    is_gone: bool = False
    redactions: Mapping[str, int] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        metadata = self.item["metadata"]
        return str(metadata.get("uid") or f"{metadata.get('namespace', '')}/{metadata.get('name', '')}")

    def holds_at(self, moment: datetime) -> bool:
        begun = self.changed_at is None or self.changed_at <= moment
        return begun and (self.until_at is None or self.until_at > moment)


@dataclass(frozen=True, slots=True)
class Ending:
    """One end of a container's life, and its last lines, each with its time; `log` is redacted.

    `pod` is as much of the pod as tells of this end, in the API's shape. `log_status` is a `Status` or,
    while the log is still to be fetched, empty.
    """

    pod: Item
    container: str
    container_id: str
    finished_at: datetime
    log: str = ""
    log_status: str = ""
    log_reason: str = ""
    log_truncated: bool = False
    redactions: Mapping[str, int] = field(default_factory=dict)


class Archive(Protocol):
    """One cluster's. Places are namespaces, "" the whole cluster. Lists hold at most `limit` + 1, oldest first."""

    def coverage(self, resource: Resource, window: Window) -> Coverage:
        """Cut to the window; empty for what is not recorded."""
        ...

    def events(
        self, window: Window, places: Sequence[str], *, limit: int, about: str = "", reason: str = ""
    ) -> list[State]:
        """core/v1 Events that went on in the window, with the highest count that was ever told.

        `about` and `reason` narrow to a kind of object and to one reason.
        """
        ...

    def states(self, resource: Resource, window: Window, places: Sequence[str], *, limit: int) -> list[State]:
        """States that held somewhere in the window."""
        ...

    def endings(self, window: Window, places: Sequence[str], *, limit: int) -> list[Ending]:
        """Ends of containers in the window."""
        ...
