"""What of a text stands as it was drafted."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.templatetags.ui import icon
from incidents.drafting.parts import untouched
from incidents.models import PostMortem

register = template.Library()


@register.simple_tag
def drafted_note(postmortem: PostMortem) -> SafeString:
    """One sentence on a draft that names the parts nobody has touched; nothing where people wrote all of it."""
    labels = [part.label for part in untouched(postmortem.body, postmortem.drafted)]
    if not labels:
        return SafeString("")
    return format_html(
        '<div class="note is-info no-print">{}<p><b>Drafted from the evidence, nobody has touched it yet:</b> {}.</p></div>',
        icon("robot"),
        ", ".join(labels),
    )
