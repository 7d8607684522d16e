"""The form of a rule for alerts."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from incidents.matchers import BadMatcher, parse_matchers
from incidents.models import AlertRule, Severity
from telemetry.alerts.formats import FORMATS
from telemetry.models import Source

LABEL = re.compile(r"[A-Za-z_][\w./-]{0,199}")
MONO = {"class": "mono", "spellcheck": "false", "autocomplete": "off"}


class LabelField(forms.CharField):
    """The name of one label, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=200, widget=forms.TextInput(attrs=MONO), **kwargs)

    def to_python(self, value: Any) -> str:
        name = str(value or "").strip()
        if name and not LABEL.fullmatch(name):
            raise forms.ValidationError(f"“{name[:40]}” is no label; expected letters, digits and _ such as namespace.")
        return name


class LabelsField(forms.CharField):
    """`alertname, namespace` → ["alertname", "namespace"]."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=2_000, widget=forms.TextInput(attrs=MONO), **kwargs)

    def to_python(self, value: Any) -> Any:
        names = [name for name in re.split(r"[,\s]+", str(value or "")) if name]
        for name in names:
            if not LABEL.fullmatch(name):
                raise forms.ValidationError(f"“{name[:40]}” is no label; expected names divided by commas.")
        if len(names) > 10:
            raise forms.ValidationError("Expected at most 10 labels.")
        return list(dict.fromkeys(names))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class AlertRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    severities = forms.CharField(
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3, **MONO}),
        label="Severity by word",
        help_text="One “critical = SEV1” a line. The words are those of the label; all others get the severity above.",
    )
    severity_label = LabelField(label="Label of the severity", help_text="Empty: the severity that the sender names.")
    namespace_label = LabelField(label="Label of the namespace")
    service_label = LabelField(label="Label of the service")
    cluster_label = LabelField(label="Label of the cluster", help_text="Its value is the cluster's name in Debrief.")
    group_by = LabelsField(
        label="One incident for alerts that share",
        help_text="Labels, divided by commas. Empty: cluster, namespace and service.",
    )

    class Meta:
        model = AlertRule
        fields = [
            "name",
            "enabled",
            "source",
            "matchers",
            "action",
            "severity",
            "severity_label",
            "severities",
            "namespace_label",
            "service_label",
            "cluster_label",
            "group_by",
            "when_ended",
        ]
        labels = {
            "matchers": "Alerts for which all of this holds",
            "source": "Sent by",
            "action": "What it does",
            "enabled": "On",
            "when_ended": "When all alerts of the incident have ended",
        }
        help_texts = {
            "matchers": 'One condition a line, as Prometheus writes them: severity=~"critical|page". Empty: every alert.',
            "name": "As the timeline will name it.",
        }
        widgets = {"matchers": forms.Textarea(attrs={"rows": 4, **MONO})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._severities = list(Severity.objects.all())
        source: Any = self.fields["source"]
        source.queryset = Source.objects.filter(kind__in=FORMATS)
        source.empty_label = "Whoever sends it"
        if self.instance.pk:
            names = {one.pk: one.name for one in self._severities}
            known = ((word, names.get(pk)) for word, pk in self.instance.severities.items())
            self.initial["severities"] = "\n".join(f"{word} = {name}" for word, name in known if name)
        else:
            self.initial["severities"] = ""
            if usual := Severity.usual(self._severities):
                self.initial["severity"] = usual.pk

    def clean_matchers(self) -> str:
        text = self.cleaned_data["matchers"].strip()
        try:
            parse_matchers(text)
        except BadMatcher as problem:
            raise forms.ValidationError(f"{str(problem)[:1].upper()}{str(problem)[1:]}.") from None
        return str(text)

    def clean_severities(self) -> dict[str, int]:
        by_name = {one.name.lower(): one.pk for one in self._severities}
        found: dict[str, int] = {}
        for line in self.cleaned_data["severities"].splitlines():
            word, equals, name = (part.strip() for part in line.partition("="))
            if not line.strip():
                continue
            if not equals or not word or name.lower() not in by_name:
                expected = ", ".join(one.name for one in self._severities)
                raise forms.ValidationError(f"“{line.strip()[:60]}” cannot be read; expected word = one of {expected}.")
            found[word] = by_name[name.lower()]
        return found

    def _post_clean(self) -> None:
        """The action checks and saves; the instance stays as it was until then."""
