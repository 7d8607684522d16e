"""What a person may see of knowledge."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import User
from incidents.models import Incident
from incidents.writing.documents import settle_waiting
from knowledge.models import BrownBagItem, BrownBagSession, Lesson


def visible_items(session: BrownBagSession, who: User) -> tuple[list[BrownBagItem], int]:
    """The agenda as this person may see it, and how many items of it they may not."""
    texts = session.items.filter(postmortem__isnull=False).values_list("postmortem_id", flat=True)
    settle_waiting(texts, timezone.now())
    rows = session.items.select_related("postmortem__incident__severity", "lesson")
    incidents = set(
        Incident.objects.visible_to(who)
        .filter(postmortem__brownbag_items__session=session)
        .values_list("pk", flat=True)
    )
    lessons = set(Lesson.objects.visible_to(who).filter(brownbag_items__session=session).values_list("pk", flat=True))
    seen, hidden = [], 0
    for item in rows:
        if (item.postmortem and item.postmortem.incident_id in incidents) or item.lesson_id in lessons:
            seen.append(item)
        else:
            hidden += 1
    return seen, hidden
