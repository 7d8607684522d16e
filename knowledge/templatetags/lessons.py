from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.templatetags.ui import icon
from knowledge.models import Lesson

register = template.Library()
SHAPES = {
    Lesson.State.WRITTEN: ("", "circle"),
    Lesson.State.CONFIRMED: (" out-ok", "circle-check"),
    Lesson.State.DISPUTED: (" out-warn", "alert-triangle"),
    Lesson.State.RETIRED: ("", "archive"),
}


@register.simple_tag
def lesson_state(lesson: Lesson) -> SafeString:
    tone, symbol = SHAPES[Lesson.State(lesson.state)]
    return format_html('<span class="out{}">{}{}</span>', tone, icon(symbol), lesson.get_state_display())
