"""What people type about severities and about links for people outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from accounts.models import User
from incidents.models import Severity
from incidents.quality import labels

PEOPLE = 500


def people_choices() -> list[User]:
    return list(User.objects.choosable()[:PEOPLE])


class SeverityForm(forms.Form):
    """One for each severity on one page, so people are read once and the ids carry the severity."""

    description = forms.CharField(required=False, max_length=200, help_text="When an incident is of this severity.")
    needs_postmortem = forms.BooleanField(required=False, label="Resolving such an incident opens a post-mortem")
    postmortem_due_days = forms.IntegerField(
        required=False, min_value=1, label="Post-mortem due after days", help_text="Empty: no deadline."
    )
    due_in_working_days = forms.BooleanField(required=False, label="Only working days count")
    followup_sla_days = forms.IntegerField(min_value=1, label="Follow-ups due after days")
    reminder_minutes = forms.IntegerField(min_value=1, label="Remind of an update after minutes")
    approvals_needed = forms.IntegerField(
        min_value=0, label="Approvals before publishing", help_text="0: whoever responds may publish."
    )
    required_reviewers = forms.TypedMultipleChoiceField(
        required=False,
        label="Who must approve",
        help_text="Each of them. Asking for review asks them too.",
        widget=forms.SelectMultiple(attrs={"size": 5}),
    )
    required_checks = forms.MultipleChoiceField(
        choices=labels(),
        required=False,
        label="Hints that block publishing",
        help_text="The others stay hints.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, severity: Severity, people: list[User]) -> None:
        names = [name for name in self.base_fields if name != "required_reviewers"]
        initial: dict[str, Any] = {name: getattr(severity, name) for name in names}
        initial["required_reviewers"] = [one.pk for one in severity.required_reviewers.all()]
        super().__init__(data, initial=initial, auto_id=f"severity-{severity.pk}-%s")
        self.severity = severity
        by_pk = {str(one.pk): one for one in people}
        chosen: Any = self.fields["required_reviewers"]
        chosen.choices = [(pk, one.display_name) for pk, one in by_pk.items()]
        chosen.coerce = by_pk.__getitem__


class ExternalLinkForm(forms.Form):
    audience = forms.CharField(required=False, label="For whom", help_text="Only your team sees this, in the list.")
    sections = forms.MultipleChoiceField(
        required=False,
        label="Sections",
        help_text="Those not chosen are left out.",
        widget=forms.CheckboxSelectMultiple,
    )
    with_figures = forms.BooleanField(
        required=False,
        label="With figures",
        help_text="Evidence that is restricted, redacted or flagged is left out in any case.",
    )
    days = forms.IntegerField(initial=14, label="Works for days", help_text="1 to 90.")

    def __init__(self, data: Mapping[str, Any] | None = None, *, sections: Sequence[str]) -> None:
        super().__init__(data)
        chosen: Any = self.fields["sections"]
        chosen.choices = [(title, title) for title in sections]
