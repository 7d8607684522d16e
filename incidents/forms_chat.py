"""What people type for those who wait for news."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms

from incidents.models import Incident, Severity
from incidents.models.incident import OPEN_STATUSES, Status
from incidents.models.update import UPDATE_LIMIT

PROMISES = [("", "No promise"), ("15", "15 minutes"), ("30", "30 minutes"), ("60", "1 hour"), ("120", "2 hours")]


class UpdateForm(forms.Form):
    """`status`, `severity` and `next_in` (a timedelta) are None where they stay as they are."""

    text = forms.CharField(
        required=False,
        label="What to say",
        widget=forms.Textarea(attrs={"rows": 4, "maxlength": UPDATE_LIMIT}),
        help_text="What is known, what is being done, what comes next.",
    )
    status = forms.TypedChoiceField(required=False, empty_value=None)
    severity = forms.ModelChoiceField(Severity.objects.all(), required=False, empty_label="As it is")
    next_in = forms.TypedChoiceField(
        choices=PROMISES,
        required=False,
        empty_value=None,
        coerce=lambda minutes: timedelta(minutes=int(minutes)),
        label="Next update within",
    )

    def __init__(self, data: Any = None, *, incident: Incident) -> None:
        super().__init__(data, auto_id="update-%s")
        status: Any = self.fields["status"]
        others = [*OPEN_STATUSES, Status.RESOLVED] if incident.is_open else []
        names = [(one.value, one.label) for one in others if one != incident.status]
        status.choices = [("", f"As it is ({incident.get_status_display().lower()})"), *names]
        severity: Any = self.fields["severity"]
        severity.empty_label = f"As it is ({incident.severity.name})"
