from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from incidents.durations import spoken
from knowledge.insight.numbers import LEAST_FOR_P90, Numbers

register = template.Library()


@register.simple_tag
def told(numbers: Numbers) -> SafeString:
    """Median with its company: p90 and the count, or why there is none."""
    if numbers.median is None:
        return mark_safe('<span class="mut">not measurable: a milestone is missing</span>')
    few = f"no p90 under {LEAST_FOR_P90}" if numbers.p90 is None else f"p90 {spoken(numbers.p90)}"
    return format_html(
        "{}<small>{}, {} incident{}</small>",
        spoken(numbers.median),
        few,
        numbers.count,
        "" if numbers.count == 1 else "s",
    )


@register.simple_tag
def cell(numbers: Numbers, part: str) -> SafeString:
    """`median`, `p90` or `count` of a table."""
    value = getattr(numbers, part)
    if part == "count":
        return mark_safe(str(int(value)))  # noqa: S308 - a number
    return format_html("{}", spoken(value)) if value is not None else mark_safe('<span class="dim">–</span>')


@register.filter
def of(numbers: dict[str, Numbers], name: str) -> Numbers:
    return numbers[name]
