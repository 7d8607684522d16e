from __future__ import annotations

import re
from typing import Any

from django import forms

from accounts.models import User
from incidents.fields import NamesField, WordsField
from incidents.models import Incident, PostMortem
from knowledge.models.lesson import SIGNAL_KINDS

_KEY = re.compile(r"(?i)^(?:INC-)?(\d{1,9})$")


class SignalsField(forms.CharField):
    """`reason:BackOff, alert:CheckoutErrors` → [{"kind", "value"}]."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        found = []
        for written in [part.strip() for part in str(value or "").split(",") if part.strip()]:
            kind, colon, name = written.partition(":")
            if not colon or kind.strip().lower() not in SIGNAL_KINDS or not name.strip():
                shown = written if len(written) <= 60 else f"{written[:60]}…"
                kinds = ", ".join(f"{one}:" for one in SIGNAL_KINDS)
                raise forms.ValidationError(
                    f"“{shown}” cannot be read; expected one of {kinds} and a name, such as reason:BackOff."
                )
            found.append({"kind": kind.strip().lower(), "value": " ".join(name.split())})
        return found

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(f"{one['kind']}:{one['value']}" for one in value) if isinstance(value, list) else value


class PostMortemsField(forms.CharField):
    """`INC-42, INC-17` → their post-mortems, of those that the person may see."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.person: User | None = None

    def to_python(self, value: Any) -> Any:
        numbers = []
        for written in [part for part in re.split(r"[,\s]+", str(value or "")) if part]:
            found = _KEY.match(written)
            if found is None:
                raise forms.ValidationError(f"“{written[:60]}” cannot be read; expected an incident, such as INC-42.")
            numbers.append(int(found[1]))
        seen = Incident.objects.visible_to(self.person)
        rows = list(
            PostMortem.objects.filter(incident__in=seen, incident__number__in=numbers).select_related("incident")
        )
        if missing := sorted(set(numbers) - {row.incident.number for row in rows}):
            raise forms.ValidationError(f"INC-{missing[0]} has no post-mortem that you may see.")
        return rows

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(row.incident.key for row in value) if isinstance(value, list) else value


class LessonForm(forms.Form):
    statement = forms.CharField(
        required=False, help_text="One sentence that can be read aloud.", widget=forms.Textarea(attrs={"rows": 2})
    )
    context = forms.CharField(
        required=False, max_length=20_000, help_text="Markdown.", widget=forms.Textarea(attrs={"rows": 6})
    )
    signals = SignalsField(
        label="Comes back with",
        help_text="Where one of these is seen the lesson shows itself: reason:BackOff, alert:CheckoutErrors, workload:checkout.",
    )
    services = NamesField(longest=200, help_text="Divided by commas; the lesson shows itself in their incidents too.")
    tags = WordsField(help_text="Divided by commas.")
    postmortems = PostMortemsField(
        label="Learned from", help_text="Incidents with a post-mortem, such as INC-42, INC-17."
    )
    quote = forms.CharField(required=False, max_length=5_000, widget=forms.HiddenInput)
    quoted_from = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["postmortems"]
        assert isinstance(field, PostMortemsField)  # noqa: S101 - declared above
        field.person = person
        self.person = person

    def clean_quoted_from(self) -> PostMortem | None:
        found = _KEY.match(self.cleaned_data["quoted_from"])
        rows = PostMortem.objects.filter(incident__in=Incident.objects.visible_to(self.person))
        return rows.filter(incident__number=int(found[1])).first() if found else None
