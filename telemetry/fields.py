"""Form fields for names that people type in a line."""

from __future__ import annotations

import re
from typing import Any

from django import forms

NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9_.:/-]*[A-Za-z0-9])?$")


class NamesField(forms.CharField):
    """`shop, pay` → ["shop", "pay"]."""

    def __init__(self, *, longest: int = 63, **kwargs: Any) -> None:
        self.longest = longest
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        names = [name for name in re.split(r"[,\s]+", str(value or "")) if name]
        for name in names:
            if len(name) > self.longest or not NAME.match(name):
                shown = name if len(name) <= 40 else f"{name[:40]}…"
                raise forms.ValidationError(
                    f"“{shown}” is no such name; expected letters, digits, - . _ and at most {self.longest} characters, "
                    "several divided by commas."
                )
        return list(dict.fromkeys(names))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value
