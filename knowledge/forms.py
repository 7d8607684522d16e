from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User
from incidents.fields import MomentField, NamesField, WordsField
from incidents.models import Incident, PostMortem


class LessonForm(forms.Form):
    statement = forms.CharField(
        required=False, help_text="One sentence that can be read aloud.", widget=forms.Textarea(attrs={"rows": 2})
    )
    context = forms.CharField(
        required=False, max_length=20_000, help_text="Markdown.", widget=forms.Textarea(attrs={"rows": 6})
    )
    tags = WordsField(help_text="Divided by commas.")
    services = NamesField(longest=200, help_text="Divided by commas.")
    postmortems = forms.ModelMultipleChoiceField(
        PostMortem.objects.none(), required=False, label="Learned from", widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = PostMortem.objects.filter(incident__in=Incident.objects.visible_to(person)).select_related("incident")
        field = self.fields["postmortems"]
        field.queryset = seen  # type: ignore[attr-defined]
        field.label_from_instance = lambda row: f"{row.incident.key} {row.title}"  # type: ignore[attr-defined]


class BrownBagForm(forms.Form):
    title = forms.CharField(max_length=200)
    held_at = MomentField(label="When")
    host = forms.ModelChoiceField(User.objects.choosable(), required=False, empty_label="Nobody yet")
    audience = forms.CharField(required=False, max_length=200)
    introduction = forms.CharField(
        required=False, max_length=20_000, help_text="Markdown.", widget=forms.Textarea(attrs={"rows": 4})
    )
