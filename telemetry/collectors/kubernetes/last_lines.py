"""The last lines of containers that ended, out of the archive: the node that had them may be gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from telemetry.collectors.kubernetes.archive import Ending
from telemetry.collectors.kubernetes.gathering import Gathering
from telemetry.collectors.kubernetes.log_observations import Target, Text, lines_of, observe_log, text_of
from telemetry.collectors.kubernetes.restarts import containers_of
from telemetry.collectors.times import iso
from telemetry.observations import Observation, Status


@dataclass
class LastLines:
    """By the key of a log: what is archived `whole`, of what only the end is there, and what is missing why.

    `texts` are the whole ones, as `text_of` has them.
    """

    whole: set[str] = field(default_factory=set)
    texts: set[Text] = field(default_factory=set)
    cut: dict[str, Observation] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def forget(self, key: str) -> None:
        """The live API gave this log, with more of it than was archived."""
        self.cut.pop(key, None)
        self.missing.pop(key, None)

    def finish(self, gathering: Gathering) -> None:
        for observation in self.cut.values():
            gathering.keep(observation)
        gathering.warnings.extend(self.missing.values())


def keep_last_lines(gathering: Gathering, endings: Iterable[Ending]) -> LastLines:
    """Keep the logs that are archived whole; the rest is for the caller, who may get more of them."""
    found = LastLines()
    for ending in endings:
        for container in containers_of(ending.pod):
            cut = ending.log_truncated
            target = Target(container, previous=True, identity=ending.container_id, is_ending_alone=cut)
            if ending.log_status not in {Status.COMPLETE, Status.EMPTY}:
                reason = ending.log_reason or "the recorder has not read its last lines yet"
                found.missing[target.key] = f"{target.name}, ended {iso(ending.finished_at)}: {reason}"
                continue
            observation = _observe(gathering, target, ending, cut=cut)
            if not cut:
                found.whole.add(target.key)
                found.texts.add(text_of(target, ending.log))
            if observation is not None and cut:
                found.cut[target.key] = observation
            elif observation is not None:
                gathering.keep_newest(observation)
    return found


def _observe(gathering: Gathering, target: Target, ending: Ending, *, cut: bool) -> Observation | None:
    """None where none of its lines was written in the window."""
    redacted = gathering.redactor.text(ending.log)
    everything = lines_of(redacted.text)
    gathering.fetched += len(everything)
    lines = [line for line in everything if gathering.window.contains(line.at)]
    gathering.dropped += len(everything) - len(lines)
    hits = {
        name: ending.redactions.get(name, 0) + redacted.hits.get(name, 0)
        for name in {*ending.redactions, *redacted.hits}
    }
    return observe_log(gathering, target, lines, hits, cut=cut) if lines else None
