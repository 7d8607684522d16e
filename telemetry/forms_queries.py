"""Forms of query templates, and of trying one out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms

from telemetry.fields import NamesField
from telemetry.models import QueryTemplate, Source
from telemetry.registry import COLLECTORS

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
