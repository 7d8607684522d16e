"""A run as its page shows it: items by group with their verdicts, counted, and what stands beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from accounts.models import User
from incidents.models import Incident
from knowledge.checking.runs import same_place
from knowledge.checks import CHECKS
from knowledge.models import ChecklistRun, ChecklistTick, CheckState, Lesson, Verdict

UNDER_WAY = frozenset({CheckState.QUEUED, CheckState.RUNNING})
# kind: (class, icon, word)
SHOWN = {
    "pass": ("ck-ok", "circle-check", "Pass"),
    "fail": ("ck-bad", "circle-x", "Fail"),
    "unknown": ("ck-unk", "help-circle", "Unknown"),
    "excused": ("ck-unk", "clock", "Excused"),
    "done": ("ck-ok", "circle-check", "Done"),
    "waived": ("ck-unk", "circle-minus", "Waived"),
    "waiting": ("", "loader-2", "Checking"),
    "open": ("", "circle", "To tick"),
    "unchecked": ("", "circle-dashed", "Not checked"),
}


@dataclass(slots=True)
class Row:
    """One item. `kind` is a key of SHOWN."""

    tick: ChecklistTick
    kind: str
    lesson: Lesson | None = None
    followup_key: str = ""

    @property
    def shape(self) -> str:
        return SHOWN[self.kind][0]

    @property
    def icon(self) -> str:
        return SHOWN[self.kind][1]

    @property
    def word(self) -> str:
        return SHOWN[self.kind][2]

    @property
    def has_facts(self) -> bool:
        return bool(self.tick.facts.get("rows") or self.tick.facts.get("request"))

    @property
    def remedy_is_code(self) -> bool:
        return "apiGroups:" in self.tick.verdict_remedy

    @property
    def needs(self) -> str:
        check = CHECKS.get(self.tick.check_name)
        return ", ".join(check.needs) if check else ""


@dataclass(slots=True)
class Group:
    name: str
    rows: list[Row] = field(default_factory=list)

    @property
    def settled(self) -> int:
        return sum(row.kind in {"pass", "done", "waived", "excused"} for row in self.rows)


@dataclass(slots=True)
class RunPage:
    groups: list[Group]
    counts: dict[str, int]
    left: int
    total: int
    under_way: bool
    checked: int
    checks: int
    lessons: list[tuple[Lesson, int]]

    @property
    def done(self) -> int:
        return self.total - self.left


def run_page(run: ChecklistRun, person: User, now: datetime) -> RunPage:
    ticks = list(run.ticks.select_related("by", "evidence", "exception__owner", "followup__incident", "item__lesson"))
    under_way = run.check_state in UNDER_WAY
    since = run.checked_at if under_way else None
    lessons = {
        one.pk: one for one in Lesson.objects.visible_to(person).filter(checklist_items__in=[t.item_id for t in ticks])
    }
    seen = set(Incident.objects.visible_to(person).filter(pk__in=_homes(ticks)).values_list("pk", flat=True))
    rows = [
        Row(one, _kind(one, now, under_way, since), lessons.get(one.item.lesson_id or 0), _followup(one, seen))
        for one in ticks
    ]
    groups: dict[str, Group] = {}
    for row in rows:
        groups.setdefault(row.tick.group, Group(row.tick.group)).rows.append(row)
    counts = {kind: sum(row.kind == kind for row in rows) for kind in SHOWN}
    why = [(lesson, sum(row.lesson == lesson for row in rows)) for lesson in lessons.values()]
    checks = [row for row in rows if row.tick.check_name]
    return RunPage(
        groups=list(groups.values()),
        counts=counts,
        left=sum(not one.is_settled(now) for one in ticks),
        total=len(ticks),
        under_way=under_way,
        checked=sum(row.kind != "waiting" for row in checks),
        checks=len(checks),
        lessons=why,
    )


def _homes(ticks: list[ChecklistTick]) -> list[int]:
    return [one.followup.incident_id for one in ticks if one.followup]


def _followup(one: ChecklistTick, seen: set[int]) -> str:
    return one.followup.key if one.followup and one.followup.incident_id in seen else ""


def _kind(one: ChecklistTick, now: datetime, under_way: bool, since: datetime | None) -> str:
    if one.state == ChecklistTick.State.WAIVED:
        return "waived"
    if not one.check_name:
        return "done" if one.state == ChecklistTick.State.DONE else "open"
    if under_way and (one.checked_at is None or (since is not None and one.checked_at <= since)):
        return "waiting"
    if one.verdict == Verdict.FAIL and one.is_excused(now):
        return "excused"
    return one.verdict or "unchecked"


def earlier_runs(run: ChecklistRun, person: User) -> list[Any]:
    """Of the same checklist for the same place, with what passed."""
    seen = Incident.objects.visible_to(person)
    rows = ChecklistRun.objects.filter(Q(incident=None) | Q(incident__in=seen), checklist=run.checklist)
    rows = rows.filter(**same_place(run)).exclude(pk=run.pk).filter(started_at__lte=run.started_at)
    counted = rows.annotate(total=Count("ticks"), done=Count("ticks", filter=~Q(ticks__state="open")))
    return list(counted.order_by("-started_at")[:8])
