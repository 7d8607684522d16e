"""Take over what Debrief proposes to add, or begin again from another template while nobody has written."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_respond
from accounts.problems import InvalidInput
from incidents.drafting import draft
from incidents.drafting.proposing import additions, with_additions
from incidents.models import PostMortem, PostMortemTemplate
from incidents.writing.documents import announce, current_text, rewrite


@transaction.atomic
def add_drafted(*, postmortem: PostMortem, wanted: dict[str, list[str]], by: User, now: datetime) -> int:
    """Put the wanted lines of each variable into the text; open editors get them. Returns how many there were."""
    require_respond(by)
    current = current_text(postmortem.pk, now)
    offered = {one.variable: one.lines for one in additions(current)}
    count = sum(line in offered.get(variable, ()) for variable, lines in wanted.items() for line in lines)
    if not count:
        raise InvalidInput("lines", "choose at least one line that is still offered; the text or the evidence changed")
    body, drafted = with_additions(current, wanted)
    rewrite(postmortem_id=current.pk, body=body, by=by, via="draft", now=now)
    PostMortem.objects.filter(pk=current.pk).update(drafted=drafted)
    announce(current.pk, "drafted")
    return count


@transaction.atomic
def choose_template(*, postmortem: PostMortem, template: PostMortemTemplate, by: User, now: datetime) -> PostMortem:
    """Draft anew from `template`; only while no person has written, so that no word is lost."""
    require_respond(by)
    current = current_text(postmortem.pk, now)
    if not current.is_untouched:
        raise InvalidInput("template", "is fixed once somebody has written; copy sections from it by hand")
    current.template = template
    current.save(update_fields=["template"])
    draft(current.pk, now)
    current.refresh_from_db()
    return current
