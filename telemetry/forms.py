"""Connecting clusters and sources. Secrets are write-only: left empty, they stay."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from telemetry.models import Cluster
from telemetry.registry import COLLECTORS

ADDED_KINDS = [(kind, collector.label) for kind, collector in COLLECTORS.items() if kind != "kubernetes"]
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


class SourceForm(forms.Form):
    name = forms.CharField(max_length=80)
    kind = forms.ChoiceField(choices=ADDED_KINDS)
    url = forms.URLField(
        required=False,
        max_length=500,
        label="Address",
        help_text="Such as http://prometheus.monitoring:9090",
        assume_scheme="http",
    )
    cluster = forms.ModelChoiceField(
        Cluster.objects.all(), required=False, empty_label="Serves every cluster", help_text="Whose telemetry it holds."
    )
    bearer = forms.CharField(required=False, label="Bearer token", widget=SECRET, help_text=KEPT)
    username = forms.CharField(required=False)
    password = forms.CharField(required=False, widget=SECRET, help_text=KEPT)
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
        help_text='JSON. For Prometheus {"queries": [{"name", "title", "expr", "unit"}]} replaces the default queries; '
        "{namespaces}, {workloads} and {services} stand for the scope.",
    )
    enabled = forms.BooleanField(required=False, initial=True)

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
        auth = {name: data[name] for name in ("bearer", "username", "password") if data[name]}
        return {"auth": auth or None, "headers": data["headers"] or None, "ca_pem": data["ca_pem"] or None}

    def fields_of_source(self) -> dict[str, Any]:
        names = ("name", "url", "cluster", "verify_tls", "allow_private", "options", "enabled")
        return {name: self.cleaned_data[name] for name in names}
