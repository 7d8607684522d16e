"""What people type about checklists, targets, exceptions, objectives and drills. Rules live in the actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from accounts.models import User
from incidents.fields import MomentField
from incidents.models import Incident
from knowledge.checks import CHECKS
from knowledge.checks.workloads import KINDS
from knowledge.models import Checklist, RecoveryObjective
from telemetry.models import Cluster

EMPTY_ROWS = 3
COLUMNS = ("text", "why", "group", "check", "params", "lesson")
UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(w|d|h|min|m|s)[a-z]*", re.IGNORECASE)


class LengthField(forms.CharField):
    """A length of time in words, such as `30 min` or `1 h 30 min`; seconds in Python."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        parts = LENGTH.findall(text)
        if len(text) > 60 or not parts or LENGTH.sub("", text).strip(" ,"):
            raise forms.ValidationError("Expected a length of time, such as 30 min, 4 h or 1 d.")
        return round(sum(float(amount) * UNITS[_unit(unit)] for amount, unit in parts))

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        left, told = value, []
        for unit in ("d", "h", "min", "s"):
            count, left = divmod(left, UNITS[unit])
            told += [f"{count} {unit}"] if count else []
        return " ".join(told)


def _unit(text: str) -> str:
    return "min" if text.lower() in {"m", "min"} else text.lower()


class ChecklistForm(forms.Form):
    """Its items are rows of their own: see `rows_of`."""

    name = forms.CharField(max_length=120)
    kind = forms.ChoiceField(choices=Checklist.Kind.choices)
    description = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 2}))
    note = forms.CharField(required=False, max_length=300, label="What changed", help_text="For the list of versions.")


def rows_of(data: QueryDict) -> list[dict[str, Any]]:
    """The rows as they were sent; those without a text are dropped. `params` is what `params_of` reads."""
    columns = {name: data.getlist(f"item_{name}") for name in COLUMNS}
    found = []
    for place, text in enumerate(columns["text"]):
        row = {name: values[place] if place < len(values) else "" for name, values in columns.items()}
        if text.strip() or row["check"]:
            check = CHECKS.get(row["check"])
            row["text"] = text.strip() or (check.label if check else "")
            found.append({**row, "check_name": row["check"]})
    return found


def params_of(text: str) -> dict[str, str]:
    """`name: value` a line."""
    lines = [line for line in str(text).splitlines() if line.strip()]
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def params_text(params: Mapping[str, Any]) -> str:
    return "\n".join(f"{name}: {value}".strip() for name, value in params.items())


def check_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """By group, as a select shows them."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for check in CHECKS.values():
        groups.setdefault(check.group, []).append((check.name, check.label))
    return list(groups.items())


class TargetForm(forms.Form):
    """What a run, a schedule or a follow-up's check looks at."""

    cluster = forms.ModelChoiceField(Cluster.objects.all(), required=False, empty_label="The only one")
    namespace = forms.CharField(required=False, max_length=63, widget=forms.TextInput(attrs={"placeholder": "shop"}))
    workload_kind = forms.ChoiceField(required=False, label="Workload", choices=[("", "All")] + [(k, k) for k in KINDS])
    workload_name = forms.CharField(
        required=False, max_length=253, label="Its name", widget=forms.TextInput(attrs={"placeholder": "checkout"})
    )
    service = forms.CharField(
        required=False,
        max_length=200,
        label="or for a service",
        widget=forms.TextInput(attrs={"placeholder": "checkout"}),
    )

    def target(self) -> dict[str, Any]:
        names = ("cluster", "namespace", "workload_kind", "workload_name", "service")
        return {name: self.cleaned_data.get(name) or None for name in names if self.cleaned_data.get(name)}


class RunForm(TargetForm):
    incident = forms.ModelChoiceField(
        Incident.objects.none(), required=False, to_field_name="number", label="For an incident", empty_label="None"
    )
    field_order = ("incident", "service", "cluster", "namespace", "workload_kind", "workload_name")

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["incident"]
        field.queryset = Incident.objects.visible_to(person).order_by("-number")[:200]


class ScheduleForm(TargetForm):
    every_hours = forms.IntegerField(min_value=1, max_value=24 * 366, initial=24, label="Every so many hours")
    service = forms.CharField(required=False, max_length=200, label="Service")


class ExceptionForm(forms.Form):
    reason = forms.CharField(max_length=2_000, label="Why it is excused")
    owner = forms.ModelChoiceField(
        User.objects.choosable(), required=False, empty_label="Me", label="Who answers for it"
    )
    ends_at = MomentField(label="Until", required=True)


class FollowUpCheckForm(TargetForm):
    check_name = forms.ChoiceField(label="Check", choices=check_choices)
    params = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Parameters",
        help_text="One a line, such as least: 3.",
    )
    service = forms.CharField(required=False, max_length=200, label="Service")
    field_order = ("check_name", "params", "cluster", "namespace", "workload_kind", "workload_name", "service")


class ObjectiveForm(forms.Form):
    service = forms.CharField(required=False, max_length=200, help_text="As its incidents name it.")
    namespace = forms.CharField(required=False, max_length=63)
    cluster = forms.ModelChoiceField(Cluster.objects.all(), required=False, empty_label="Any cluster")
    rto_seconds = LengthField(required=False, label="RTO", help_text="How long it may be away, such as 30 min.")
    rpo_seconds = LengthField(
        required=False, label="RPO", help_text="How much of the newest data may be lost, such as 1 h."
    )
    note = forms.CharField(required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 2}))


class DrillForm(forms.Form):
    title = forms.CharField(max_length=200, help_text="What is made to fail, such as: lose the primary database.")
    checklist = forms.ModelChoiceField(Checklist.objects.all(), empty_label=None)
    objective = forms.ModelChoiceField(
        RecoveryObjective.objects.all(),
        required=False,
        empty_label="None",
        help_text="Its service and namespace become the scope of the drill.",
    )
    planned_at = MomentField(label="When", required=True)
    lead = forms.ModelChoiceField(User.objects.choosable(), required=False, empty_label="Nobody yet")
    scenario = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 5}), help_text="Markdown."
    )


class DrillResultForm(forms.Form):
    restored_to_at = MomentField(
        label="Newest data that came back", help_text="The RPO is measured from it to the start of the impact."
    )
    findings = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 5}), help_text="Markdown."
    )
