"""The forms of Settings, Slack."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from accounts.models import User
from incidents.slack.administering import Choices
from incidents.slack.models import SlackSettings


class LinesField(forms.CharField):
    """One a line, or divided by commas → a list without doubles."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)

    def to_python(self, value: Any) -> Any:
        return [*dict.fromkeys(word for word in re.split(r"[\s,]+", str(value or "")) if word)]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class EmojiField(LinesField):
    def to_python(self, value: Any) -> Any:
        return [*dict.fromkeys(word.strip(":") for word in super().to_python(value))]


class SlackSettingsForm(forms.Form):
    central_channel = forms.CharField(
        required=False, max_length=100, help_text="Hears of each incident that is not restricted. Empty: none."
    )
    channel_template = forms.CharField(
        max_length=80,
        help_text="Of {number}, {title}, {severity}, {date} and {service}.",
        widget=forms.TextInput(
            attrs={
                "hx-get": "/settings/slack/example/",
                "hx-trigger": "input changed delay:300ms",
                "hx-target": "#channel-example",
            }
        ),
    )
    invite = LinesField(
        label="Always invited", help_text="Handles of user groups, such as @oncall, or e-mail addresses; one a line."
    )
    pin_emoji = EmojiField(
        label="Reactions that put a message on the timeline", help_text="Names of emoji, such as pushpin; one a line."
    )
    on_deleted = forms.ChoiceField(
        choices=SlackSettings.Deleted.choices,
        label="When a message is deleted in Slack",
        help_text="Its line stays and says that it was deleted.",
    )
    update_template = forms.CharField(
        required=False,
        max_length=3_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="Template of updates",
        help_text="Stands in the form when somebody begins an update.",
    )
    digest_hour = forms.IntegerField(
        min_value=0, max_value=23, label="Hour of the daily digest", help_text="In each reader's own zone, on weekdays."
    )
    archive_after_days = forms.IntegerField(
        min_value=0, max_value=365, label="Archive channels so many days after closing", help_text="0 means never."
    )

    def __init__(self, data: Any = None, *, row: SlackSettings) -> None:
        super().__init__(data, initial={name: getattr(row, name) for name in self.base_fields})

    def clean_central_channel(self) -> str:
        return str(self.cleaned_data["central_channel"]).strip().lstrip("#")

    def choices(self) -> Choices:
        return Choices(**self.cleaned_data)


class LinkForm(forms.Form):
    """`user` by their name to sign in with; empty takes the link away."""

    user = forms.CharField(required=False, max_length=150)

    def clean_user(self) -> User | None:
        name = self.cleaned_data["user"].strip().lstrip("@")
        if not name:
            return None
        found = User.objects.choosable().filter(username__iexact=name).first()
        if found is None:
            raise forms.ValidationError(f"“{name}” is nobody here; expected a name from the list.")
        return found
