"""Forms of query templates, and of trying one out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms

from telemetry.models import QueryTemplate, Source
from telemetry.registry import COLLECTORS

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:/-]{0,198}[A-Za-z0-9])?")
MONO = {"class": "mono", "spellcheck": "false", "autocomplete": "off"}
WINDOWS = {
    "15m": ("the last 15 minutes", timedelta(minutes=15)),
    "1h": ("the last hour", timedelta(hours=1)),
    "6h": ("the last 6 hours", timedelta(hours=6)),
    "24h": ("the last day", timedelta(days=1)),
}


def asked_sources() -> Any:
    """Sources that take queries."""
    kinds = [kind for kind, collector in COLLECTORS.items() if collector.facts.language]
    return Source.objects.filter(kind__in=kinds)


class NamesField(forms.CharField):
    """`shop, pay` → ["shop", "pay"]."""

    def __init__(self, *, longest: int, **kwargs: Any) -> None:
        self.longest = longest
        super().__init__(required=False, max_length=4_000, **kwargs)

    def to_python(self, value: Any) -> Any:
        names = [name for name in re.split(r"[,\s]+", str(value or "")) if name]
        for name in names:
            if len(name) > self.longest or not NAME.fullmatch(name):
                raise forms.ValidationError(
                    f"“{name[:40]}” is no such name; expected letters, digits, - . _ and at most {self.longest} "
                    "characters, several divided by commas."
                )
        return list(dict.fromkeys(names))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class QueryTemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    services = NamesField(longest=200, label="For services", help_text="Divided by commas, such as checkout.")
    namespaces = NamesField(longest=63, label="For namespaces", help_text="Neither: every incident asks it.")

    class Meta:
        model = QueryTemplate
        fields = ["title", "name", "language", "source", "expr", "unit", "services", "namespaces", "enabled"]
        labels = {"expr": "Query", "source": "Asked of", "enabled": "On"}
        help_texts = {
            "name": "Letters, digits, - and _. Evidence is told apart by it.",
            "expr": "{namespaces}, {workloads} and {services} stand for the scope of the incident, escaped for the "
            "language; {range} for a fitting stretch.",
            "unit": "Such as ratio, s, bytes, requests/s.",
        }
        widgets = {"expr": forms.Textarea(attrs={"rows": 5, **MONO}), "name": forms.TextInput(attrs=MONO)}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source: Any = self.fields["source"]
        source.queryset = asked_sources()
        source.empty_label = "Every source of the language"

    def _post_clean(self) -> None:
        """The action checks and saves; the instance stays as it was until then."""


class TrialForm(forms.Form):
    """What the button “Try it” sends, beside what the template's form holds."""

    prefix = "try"
    source = forms.ModelChoiceField(Source.objects.none(), label="Of")
    namespaces = NamesField(longest=63, label="As if the scope had the namespaces")
    services = NamesField(longest=200, label="and the services")
    window = forms.ChoiceField(
        choices=[(key, words) for key, (words, _) in WINDOWS.items()], initial="1h", label="Over"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source: Any = self.fields["source"]
        source.queryset = asked_sources().filter(enabled=True)
        source.empty_label = None
