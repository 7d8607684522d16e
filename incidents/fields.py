"""Form fields for what people type in a line: names, workloads."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from incidents.moments import EARLIEST, LATEST
from telemetry.fields import NAME, NamesField

__all__ = ["NAME", "MomentField", "NamesField", "WordsField", "WorkloadsField"]

YEARS = "Expected a time between the years 2000 and 2100."
KINDS = {
    "deploy": "Deployment",
    "deployment": "Deployment",
    "sts": "StatefulSet",
    "statefulset": "StatefulSet",
    "ds": "DaemonSet",
    "daemonset": "DaemonSet",
    "job": "Job",
    "cronjob": "CronJob",
    "pod": "Pod",
}


class WordsField(forms.CharField):
    """Free labels divided by commas."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        words = [" ".join(word.split()) for word in str(value or "").split(",")]
        words = list(dict.fromkeys(word for word in words if word))
        if any(len(word) > 60 for word in words) or len(words) > 30:
            raise forms.ValidationError("Expected at most 30 labels of at most 60 characters, divided by commas.")
        return words

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class WorkloadsField(forms.CharField):
    """`shop/deploy/checkout, shop/sts/orders-db` → [{"kind", "namespace", "name"}]."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        found = []
        for written in [part for part in re.split(r"[,\s]+", str(value or "")) if part]:
            parts = written.split("/")
            kind = KINDS.get(parts[1].lower()) if len(parts) == 3 else None
            if kind is None or not all(NAME.match(part) and len(part) <= 253 for part in parts):
                shown = written if len(written) <= 60 else f"{written[:60]}…"
                raise forms.ValidationError(
                    f"“{shown}” cannot be read; expected namespace/kind/name, such as shop/deploy/checkout. "
                    f"Kinds: {', '.join(sorted(set(KINDS) - {'deploy', 'sts', 'ds'}))}."
                )
            found.append({"kind": kind, "namespace": parts[0], "name": parts[2]})
        return found

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return ", ".join(f"{w['namespace']}/{w['kind'].lower()}/{w['name']}" for w in value)
        return value


class MomentField(forms.DateTimeField):
    """A time in the reader's zone, to the second."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=kwargs.pop("required", False), **kwargs)
        self.validators += [MinValueValidator(EARLIEST, YEARS), MaxValueValidator(LATEST, YEARS)]
        self.error_messages["invalid"] = "Expected a date and a time, such as 2026-11-21 06:37:20."
