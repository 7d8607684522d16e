from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Team, User
from incidents.fields import MomentField
from incidents.models import Incident, Severity
from incidents.models.incident import TITLE_LIMIT


class BrownBagForm(forms.Form):
    title = forms.CharField(max_length=200)
    held_at = MomentField(label="When")
    minutes = forms.IntegerField(
        required=False, min_value=1, max_value=600, initial=45, label="Minutes", help_text="How long the slot is."
    )
    place = forms.CharField(
        required=False, max_length=300, label="Where", help_text="A room, or the address of a call."
    )
    host = forms.ModelChoiceField(User.objects.choosable(), required=False, empty_label="Nobody yet")
    audience = forms.CharField(required=False, max_length=200)
    introduction = forms.CharField(
        required=False, max_length=20_000, help_text="Markdown.", widget=forms.Textarea(attrs={"rows": 4})
    )

    def clean_minutes(self) -> int:
        return self.cleaned_data["minutes"] or 45


class AgendaRuleForm(forms.Form):
    """“The last month, SEV1–2, my team's”, for a slot of so many minutes."""

    days = forms.IntegerField(min_value=1, max_value=730, initial=31, label="Of the last days")
    severities = forms.ModelMultipleChoiceField(
        Severity.objects.all(), required=False, widget=forms.CheckboxSelectMultiple, help_text="None means all."
    )
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label="Every team")
    only_published = forms.BooleanField(required=False, initial=True, label="Only published post-mortems")
    with_lessons = forms.BooleanField(required=False, initial=True, label="And the lessons drawn from them")


class RaisedFollowUpForm(forms.Form):
    incident = forms.ModelChoiceField(Incident.objects.none(), empty_label=None)
    title = forms.CharField(max_length=TITLE_LIMIT, label="What will be done")
    owner = forms.ModelChoiceField(User.objects.choosable(), required=False, empty_label="Nobody yet")

    def __init__(self, *args: Any, incidents: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["incident"].queryset = incidents  # type: ignore[attr-defined]
