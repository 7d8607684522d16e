"""What people type about an incident. Rules that hold everywhere live in the actions and in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team, User
from accounts.problems import InvalidInput
from incidents.actions.incident import check_window, clean_title
from incidents.fields import MomentField, NamesField, WordsField, WorkloadsField
from incidents.models import FollowUp, Incident, Severity, SignalPolicy
from incidents.models.incident import ClosureReason, DetectedBy, IncidentRole, Kind, MilestoneKind, Status, Visibility
from incidents.models.signal import LONGEST_QUIET
from telemetry.models import Cluster

T = TypeVar("T")


def add_problem(form: forms.BaseForm, problem: InvalidInput | ValidationError) -> None:
    """A refusal of an action or of a model, shown under the field that it names."""
    errors: Mapping[str, Any]
    if isinstance(problem, InvalidInput):
        errors = problem.errors
    else:
        errors = problem.message_dict if hasattr(problem, "error_dict") else {"": problem.messages}
    for field, texts in errors.items():
        text = texts if isinstance(texts, str) else " ".join(texts)
        name = field.partition(".")[0]
        form.add_error(name if name in form.fields else None, text[:1].upper() + text[1:])


def taken(form: forms.BaseForm, act: Callable[[], T]) -> T | None:
    """What the action returned; None where form, action or model refused, with the reason in the form."""
    if not form.is_valid():
        return None
    try:
        return act()
    except (InvalidInput, ValidationError) as problem:
        add_problem(form, problem)
        return None


class IncidentForm(forms.Form):
    """Declaring and editing: the same fields in the same order."""

    title = forms.CharField(required=False, help_text="What users notice, in a few words.")
    severity = forms.ModelChoiceField(Severity.objects.all(), empty_label=None)
    summary = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="Markdown.")
    services = NamesField(longest=200, help_text="As in traces and logs, such as checkout.")
    namespaces = NamesField(help_text="Divided by commas.")
    workloads = WorkloadsField(help_text="namespace/kind/name, such as shop/deploy/checkout.")
    clusters = forms.ModelMultipleChoiceField(
        Cluster.objects.all(), required=False, help_text="None chosen means all.", widget=forms.CheckboxSelectMultiple
    )
    kind = forms.ChoiceField(choices=Kind.choices, initial=Kind.INCIDENT)
    visibility = forms.ChoiceField(
        choices=Visibility.choices,
        initial=Visibility.INTERNAL,
        help_text="Restricted: seen by admins and by those who take part.",
    )
    labels = WordsField(help_text="Divided by commas.")
    detected_by = forms.ChoiceField(choices=DetectedBy.choices, required=False, help_text="What told us first.")
    window_from = MomentField(label="Collect from", help_text="Empty: 15 minutes before the impact.")
    window_to = MomentField(label="Collect until", help_text="Empty: 15 minutes after it was resolved.")

    def clean_title(self) -> str:
        try:
            return clean_title(self.cleaned_data["title"])
        except InvalidInput as problem:
            text = problem.errors["title"]
            raise forms.ValidationError(f"The title {text.rstrip('.')}.") from None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            check_window(data.get("window_from"), data.get("window_to"))
        except InvalidInput as problem:
            add_problem(self, problem)
        return data


class DeclareForm(IncidentForm):
    impact_started_at = MomentField(label="Impact started", help_text="If you know it; can be set later.")
    detected_at = MomentField(label="Detected", help_text="When an alert or a person told us.")


class StatusForm(forms.Form):
    status = forms.ChoiceField(choices=Status.choices)
    reason = forms.CharField(required=False, max_length=2_000)
    closure_reason = forms.ChoiceField(choices=[("", ""), *ClosureReason.choices], required=False)
    duplicate_of = forms.CharField(required=False, max_length=20)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_duplicate_of(self) -> Incident | None:
        written = self.cleaned_data["duplicate_of"].strip().upper().removeprefix("INC-")
        if not written:
            return None
        seen = Incident.objects.visible_to(self.person)
        found = seen.filter(number=int(written)).first() if written.isascii() and written.isdigit() else None
        if found is None:
            raise forms.ValidationError("Expected the number of an incident, such as INC-17.")
        return found


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=IncidentRole.choices)
    user = forms.ModelChoiceField(User.objects.choosable())


class MilestoneForm(forms.Form):
    kind = forms.ChoiceField(choices=MilestoneKind.choices)
    at = MomentField(required=True)


class NoteForm(forms.Form):
    text = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    occurred_at = MomentField(label="Time", help_text="Empty means now.")


class FollowUpForm(forms.Form):
    title = forms.CharField(required=False, help_text="What will be done.")
    type = forms.ChoiceField(choices=FollowUp.Type.choices, initial=FollowUp.Type.PREVENT)
    priority = forms.ChoiceField(choices=FollowUp.Priority.choices, initial=FollowUp.Priority.MEDIUM)
    owner = forms.ModelChoiceField(User.objects.choosable(), required=False, empty_label="Nobody yet")
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label="No team")
    due_at = MomentField(label="Due", help_text="Empty: the deadline of the incident's severity.")
    description = forms.CharField(required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3}))
    external_url = forms.URLField(
        required=False, label="Link", help_text="The ticket, if there is one.", assume_scheme="https"
    )


class FollowUpChangeForm(FollowUpForm):
    status = forms.ChoiceField(choices=FollowUp.Status.choices)
    reason = forms.CharField(required=False, max_length=2_000, help_text="Why it is not done, if so.")


class PolicyForm(forms.Form):
    """One for each signal on one page, so the severities are read once and the ids carry the signal's name."""

    action = forms.ChoiceField(choices=SignalPolicy.Action.choices, label="When it is seen")
    severity = forms.TypedChoiceField(label="With the severity")
    quiet_minutes = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_QUIET,
        initial=60,
        label="Quiet period in minutes",
        help_text="After it was dismissed or ended, it must be away for so long before it is told again.",
    )
    namespaces = NamesField(help_text="Divided by commas; none means all. Nodes always count.")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        signal: str,
        severities: list[Severity],
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial, auto_id=f"{signal}-%s")
        self.signal = signal
        by_pk = {str(one.pk): one for one in severities}
        chosen: Any = self.fields["severity"]
        chosen.choices = [(pk, one.name) for pk, one in by_pk.items()]
        chosen.coerce = by_pk.__getitem__
