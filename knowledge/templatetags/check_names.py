"""`{% load check_names %}`: checks as people know them."""

from __future__ import annotations

from django import template

from knowledge.checks import CHECKS

register = template.Library()


@register.filter
def check_label(name: str) -> str:
    """The label of a check; its name where Debrief has it no more."""
    check = CHECKS.get(str(name))
    return check.label if check else str(name)
