from __future__ import annotations

import re

from django import forms

from accounts.models import User
from incidents.fields import MomentField
from knowledge.models import Checklist


class ChecklistForm(forms.Form):
    name = forms.CharField(max_length=120)
    kind = forms.ChoiceField(choices=Checklist.Kind.choices)
    description = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 2}))
    items = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="One item a line; after “ -- ” why it matters.",
    )

    def clean_items(self) -> list[dict[str, str]]:
        lines = [line.strip() for line in self.cleaned_data["items"].splitlines() if line.strip()]
        pairs = [re.split(r"\s--\s", line, maxsplit=1) for line in lines]
        return [{"text": pair[0], "why": pair[1] if len(pair) > 1 else ""} for pair in pairs]


class BrownBagForm(forms.Form):
    title = forms.CharField(max_length=200)
    held_at = MomentField(label="When")
    host = forms.ModelChoiceField(User.objects.choosable(), required=False, empty_label="Nobody yet")
    audience = forms.CharField(required=False, max_length=200)
    introduction = forms.CharField(
        required=False, max_length=20_000, help_text="Markdown.", widget=forms.Textarea(attrs={"rows": 4})
    )
