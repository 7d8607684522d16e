from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms

from accounts.models import STAND_IN_DOMAIN, ApiToken, Role, User
from accounts.permissions import can_respond


def _own(email: str) -> str:
    if User(email=email).is_stand_in:
        raise forms.ValidationError(f"Addresses at {STAND_IN_DOMAIN} are reserved. Enter one that reaches the person.")
    return email


class PersonForm(forms.Form):
    username = forms.CharField(max_length=150)
    email = forms.EmailField()
    name = forms.CharField(max_length=120, required=False)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.RESPONDER)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError("Somebody has this username already.")
        return name

    def clean_email(self) -> str:
        email = _own(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError("Somebody has this address already.")
        return email


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What it is for, such as “OpenTelemetry collector”.")
    scopes = forms.MultipleChoiceField(choices=ApiToken.Scope.choices, widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(
        min_value=1, max_value=3_650, required=False, label="Expires after days", help_text="Empty: never."
    )

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        """Only scopes that the person's role can use are offered."""
        super().__init__(*args, **kwargs)
        if not can_respond(person):
            read = ApiToken.Scope.READ
            self.fields["scopes"].choices = [(read.value, read.label)]  # type: ignore[attr-defined]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["name", "email", "zone"]

    def clean_zone(self) -> str:
        zone: str = self.cleaned_data["zone"].strip()
        if zone and zone not in zoneinfo.available_timezones():
            raise forms.ValidationError("Expected a time zone such as Europe/Berlin, or nothing to follow the browser.")
        return zone

    def clean_email(self) -> str:
        email = _own(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("Somebody has this address already.")
        return email

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].label = "Time zone"
