"""Connecting clusters and sources. Secrets are write-only: left empty, they stay."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from telemetry.actions.source import AUTH_KEYS, BUDGET_MOST
from telemetry.kinds import Kind
from telemetry.models import Cluster

SECRET = forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"})
KEPT = "Write-only. Left empty, what is stored stays."


class ClusterForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="As people call it, such as prod-eu.")
    kubeconfig = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 10, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        max_length=200_000,
        strip=False,
        help_text="With certificates and token inside; no exec, auth-provider or file references. Stored encrypted.",
    )
    allow_private = forms.BooleanField(
        required=False, label="On this machine", help_text="Allow loopback and link-local addresses."
    )


BUDGETS = (
    ("deadline_seconds", "Seconds", 1.0),
    ("requests", "Requests", 1),
    ("items", "Items", 1),
    ("bytes", "MiB of answers", 2**20),
    ("series", "Series", 1),
    ("points", "Points of a series", 1),
)


class SourceForm(forms.Form):
    """The fields that a kind of source has; what it has not is not asked for."""

    name = forms.CharField(max_length=80)
    url = forms.CharField(required=False, max_length=500, label="Address")
    cluster = forms.ModelChoiceField(
        Cluster.objects.all(), required=False, empty_label="Serves every cluster", help_text="Whose telemetry it holds."
    )
    bearer = forms.CharField(required=False, label="Bearer token", widget=SECRET, help_text=KEPT)
    username = forms.CharField(required=False)
    password = forms.CharField(required=False, widget=SECRET, help_text=KEPT)
    api_key = forms.CharField(required=False, label="API key", widget=SECRET, help_text=KEPT)
    client_cert = forms.CharField(
        required=False,
        strip=False,
        label="Client certificate",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="PEM, for mTLS.",
    )
    client_key = forms.CharField(
        required=False, strip=False, label="Its key", widget=forms.Textarea(attrs={"rows": 3}), help_text=f"PEM. {KEPT}"
    )
    headers = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One “Name: value” a line, such as X-Scope-OrgID: shop. Write-only.",
    )
    ca_pem = forms.CharField(
        required=False,
        strip=False,
        label="CA certificate",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=f"PEM. {KEPT}",
    )
    verify_tls = forms.BooleanField(required=False, initial=True, label="Check TLS certificates")
    allow_private = forms.BooleanField(
        required=False, label="On this machine", help_text="Allow loopback and link-local addresses."
    )
    options = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text="A JSON object.",
    )
    enabled = forms.BooleanField(required=False, initial=True)

    TRANSPORT = ("url", "bearer", "username", "password", "api_key", "client_cert", "client_key", "headers", "ca_pem")

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        facts = kind.facts
        self.fields["url"].help_text = f"Such as {facts.address}"
        self.fields["url"].required = False
        if not facts.address:
            for name in (*self.TRANSPORT, "verify_tls"):
                del self.fields[name]
            if facts.pushed:
                del self.fields["allow_private"]
        if facts.of_cluster:
            self.fields["cluster"].required = True
            self.fields["cluster"].help_text = "It is read with the cluster's own kubeconfig."
            cluster: Any = self.fields["cluster"]
            cluster.empty_label = None
        for name, label, size in () if facts.pushed else BUDGETS:
            most, usual = BUDGET_MOST[name] / size, getattr(facts.budget, name) / size
            self.fields[f"budget_{name}"] = forms.FloatField(
                required=False,
                min_value=1,
                max_value=most,
                label=label,
                widget=forms.NumberInput(attrs={"placeholder": f"{usual:g}", "step": "1"}),
            )

    @property
    def budget_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("budget_")]

    @property
    def has_more_errors(self) -> bool:
        """Whether one of the folded fields was refused."""
        more = ("headers", "ca_pem", "client_cert", "client_key", "api_key")
        return any(name in more or name.startswith("budget_") for name in self.errors)

    def clean_headers(self) -> dict[str, str]:
        headers = {}
        for line in self.cleaned_data["headers"].splitlines():
            name, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon or not name.strip() or not name.strip().isascii() or " " in name.strip():
                raise forms.ValidationError("Expected one “Name: value” a line.")
            headers[name.strip()] = value.strip()
        return headers

    def clean_options(self) -> dict[str, Any]:
        written = self.cleaned_data["options"].strip()
        if not written:
            return {}
        try:
            options = json.loads(written)
        except (ValueError, RecursionError) as problem:
            raise forms.ValidationError(f"This is no JSON: {problem}") from None
        if not isinstance(options, dict):
            raise forms.ValidationError("Expected a JSON object, in braces.")
        if "\\u0000" in written:
            raise forms.ValidationError("Holds a NUL character; expected text without.")
        return options

    def secrets(self) -> dict[str, Any]:
        """What save_source takes; None where nothing was typed."""
        data = self.cleaned_data
        auth = {name: data[name] for name in AUTH_KEYS if data.get(name)}
        return {"auth": auth or None, "headers": data.get("headers") or None, "ca_pem": data.get("ca_pem") or None}

    def fields_of_source(self) -> dict[str, Any]:
        names = ("name", "url", "cluster", "verify_tls", "allow_private", "options", "enabled")
        found = {name: self.cleaned_data[name] for name in names if name in self.fields}
        if self.budget_fields:
            sizes = {name: size for name, _, size in BUDGETS}
            typed = {name: self.cleaned_data.get(f"budget_{name}") for name in sizes}
            whole = {name: value * sizes[name] for name, value in typed.items() if value is not None}
            found["budget"] = {
                name: value if name == "deadline_seconds" else int(value) for name, value in whole.items()
            }
        return found


def typed_budget(budget: dict[str, Any]) -> dict[str, float]:
    """A stored budget as the form's fields show it."""
    sizes = {name: size for name, _, size in BUDGETS}
    return {f"budget_{name}": round(value / sizes[name], 3) for name, value in budget.items() if name in sizes}
