"""Seen before: an incident's traits, the earlier incidents that share them, the lessons that apply.

One pass is a fixed number of queries, however many incidents there are.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.db.models.fields.tuple_lookups import TupleIn
from django.db.models.query import QuerySet

from incidents import signals
from incidents.models import Evidence, Incident
from incidents.models.incident import ClosureReason, Kind, Visibility
from knowledge.models import Lesson, LessonShowing, Match, MatchRequest, Trait
from knowledge.search.indexing import index
from knowledge.traits import LOUD, Found, Item, Place, traits_of
from knowledge.weighing import SHOWN_FROM, WEIGHTS, Likeness, Shared, likeness
from telemetry.observations import EvidenceType

READ = 4_000
KEPT = 8
REASONS_KEPT = 12
# Of a trait that so many have, nothing can be learned.
COMMON, CONSIDERED = 1_000, 500
WORDS = 40
SHORTEST_WORD, LONGEST_WORD = 3, 40
LESSONS = 10
SIGNALS = 100
SWEEP_SECONDS = 30.0
ATTEMPTS = 3
# A chat is interrupted by what is more than alike.
TOLD_FROM, TOLD = 3.0, 3
log = logging.getLogger(__name__)


def request_matching(incident_id: int, now: datetime) -> None:
    """One that is gone meanwhile asks for nothing."""
    if not Incident.objects.filter(pk=incident_id).exists():
        return
    MatchRequest.objects.update_or_create(incident_id=incident_id, defaults={"wanted_at": now, "attempts": 0})


def match_incident(incident_id: int, now: datetime) -> list[Match]:
    """Reads the traits anew, compares, and keeps what people said of earlier comparisons. Best match first."""
    incident = Incident.objects.prefetch_related("milestones").filter(pk=incident_id).first()
    if incident is None:
        return []
    read_traits(incident)
    with transaction.atomic():
        # Two workers that compare one incident would each add the same pair.
        Incident.objects.select_for_update(no_key=True).get(pk=incident_id)
        found = compare(incident)
        rows = _keep(incident, found, now)
        show_lessons(incident, [row.earlier_id for row in rows], now)
    return rows


@transaction.atomic
def read_traits(incident: Incident) -> list[Trait]:
    began_at, _ = incident.band()
    place = Place(began_at, workloads=incident.workloads, services=incident.services, labels=incident.labels)
    found = [*traits_of(place, _items(incident)), *_words(incident)]
    rows = [
        Trait(incident=incident, kind=one.kind, value=one.value, label=one.label, evidence=one.evidence)
        for one in found
    ]
    Trait.objects.filter(incident=incident).delete()
    Trait.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    # Search finds it by the reasons that were read just now.
    index([incident])
    return rows


def _items(incident: Incident) -> Iterable[Item]:
    """What may tell something; of logs the patterns alone, for their lines are long."""
    rows = Evidence.objects.filter(incident=incident).order_by("number")
    names = ("number", "type", "level", "title", "first_at", "subject")
    loud = Q(type=EvidenceType.EVENT, level__in=LOUD) | Q(type__in=[EvidenceType.STATE_CHANGE, EvidenceType.ALERT])
    for row in rows.filter(loud).values(*names, "payload")[:READ]:
        yield _item(row, row.pop("payload"))
    logs = rows.filter(type=EvidenceType.LOG).annotate(patterns=F("payload__patterns"))
    for row in logs.values(*names, "patterns")[:READ]:
        patterns = row.pop("patterns")
        yield _item(row, {"patterns": patterns if isinstance(patterns, list) else []})


def _item(row: dict[str, Any], payload: Any) -> Item:
    """Payloads are hostile: what is no mapping tells nothing."""
    subject = row.pop("subject")
    return Item(
        **row,
        subject=subject if isinstance(subject, dict) else {},
        payload=payload if isinstance(payload, dict) else {},
    )


def _words(incident: Incident) -> list[Found]:
    text = "\n".join([incident.title, incident.summary[:2_000], " ".join(incident.labels)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(tsvector_to_array(to_tsvector('english', %s)))", [text])
        words = [row[0] for row in cursor.fetchall()]
    kept = [word for word in words if word.isalpha() and SHORTEST_WORD <= len(word) <= LONGEST_WORD]
    return [Found("word", word, f"the word “{word}”") for word in kept[:WORDS]]


def compare(incident: Incident) -> list[tuple[int, Likeness]]:
    """(pk of an earlier incident, likeness), the most alike first, at most KEPT."""
    own = Trait.objects.filter(incident=incident).values_list("kind", "value", "label")
    labels = {(kind, value): label for kind, value, label in own}
    among = _among(labels)
    shared: dict[int, list[Shared]] = defaultdict(list)
    for earlier, kind, value in _sharing(incident, [pair for pair, count in among.items() if count <= COMMON]):
        shared[earlier].append(Shared(kind, value, labels[kind, value], among[kind, value]))
    total = Incident.objects.count()
    judged = [(earlier, likeness(found, total)) for earlier, found in shared.items() if _is_worth(found)]
    worth = [(earlier, one) for earlier, one in judged if one.score >= SHOWN_FROM]
    worth = sorted(worth, key=lambda pair: (-pair[1].score, -pair[0]))[:CONSIDERED]
    known = set(comparable(incident).filter(pk__in=[pk for pk, _ in worth]).values_list("pk", flat=True))
    return [pair for pair in worth if pair[0] in known][:KEPT]


Pair = tuple[str, str]


def _among(pairs: Iterable[Pair]) -> dict[Pair, int]:
    """How many incidents have each trait."""
    found = Trait.objects.filter(_one_of(pairs)).order_by().values_list("kind", "value").annotate(n=Count("pk"))
    return {(kind, value): n for kind, value, n in found}


def _one_of(pairs: Iterable[Pair]) -> Q:
    """As one condition on (kind, value), so that the index of both is used."""
    known = list(pairs)
    return Q(TupleIn((F("kind"), F("value")), known)) if known else Q(pk__in=[])


def _sharing(incident: Incident, pairs: Iterable[Pair]) -> Iterable[tuple[int, str, str]]:
    rows = Trait.objects.filter(_one_of(pairs)).exclude(incident=incident)
    return rows.values_list("incident_id", "kind", "value").iterator(chunk_size=5_000)


def _is_worth(found: Sequence[Shared]) -> bool:
    """The most that it could be: cheaper than judging thousands that share one common word."""
    return sum(WEIGHTS[one.kind] for one in found) >= SHOWN_FROM


def comparable(incident: Incident) -> QuerySet[Incident]:
    """Earlier real incidents; of duplicates the original counts."""
    rows = Incident.objects.filter(declared_at__lt=incident.declared_at, kind=Kind.INCIDENT).exclude(pk=incident.pk)
    return rows.exclude(closure_reason__in=[ClosureReason.DUPLICATE, ClosureReason.CANCELLED])


def _keep(incident: Incident, found: Sequence[tuple[int, Likeness]], now: datetime) -> list[Match]:
    known = {row.earlier_id: row for row in Match.objects.filter(incident=incident)}
    evidence = _evidence(incident, [earlier for earlier, _ in found])
    rows = []
    for earlier, one in found:
        row = known.pop(earlier, None) or Match(incident=incident, earlier_id=earlier, found_at=now)
        row.score, row.reasons = one.score, _reasons(one, evidence, incident.pk, earlier)
        row.save()
        rows.append(row)
    # What somebody decided is remembered, whatever the evidence says later.
    gone = Match.objects.filter(pk__in=[row.pk for row in known.values() if not row.verdict])
    gone.filter(told_at=None).delete()
    # What chats heard of is not told again when it comes back.
    gone.update(score=0, reasons=[], updated_at=now)
    return rows


Named = dict[tuple[int, str, str], list[int]]


def _evidence(incident: Incident, earlier: Sequence[int]) -> Named:
    rows = Trait.objects.filter(incident__in=[incident.pk, *earlier]).exclude(evidence=[])
    told = rows.values_list("incident_id", "kind", "value", "evidence")
    return {(pk, kind, value): numbers for pk, kind, value, numbers in told}


def _reasons(one: Likeness, evidence: Named, own: int, earlier: int) -> list[dict[str, Any]]:
    return [
        {
            "kind": reason.kind,
            "label": reason.label,
            "weight": reason.weight,
            "own": evidence.get((own, reason.kind, reason.value), []),
            "theirs": evidence.get((earlier, reason.kind, reason.value), []),
        }
        for reason in one.reasons[:REASONS_KEPT]
    ]


def show_lessons(incident: Incident, earlier: Sequence[int], now: datetime) -> None:
    """Lessons of what is alike, and those whose signals or services this incident has; each with its reason."""
    reasons: dict[int, list[str]] = defaultdict(list)
    for pk, words in _applying(incident):
        reasons[pk] += words
    came = Lesson.objects.valid().filter(postmortems__incident__in=list(earlier)).order_by("-postmortems__incident")
    names = ("pk", "postmortems__incident__number", "postmortems__incident__visibility")
    for pk, number, visibility in came.values_list(*names):
        # These words are read by all who see the lesson.
        is_open = visibility == Visibility.INTERNAL
        reasons[pk].append(f"learned from INC-{number}" if is_open else "learned from an incident like this one")
    known = set(LessonShowing.objects.filter(incident=incident).values_list("lesson_id", flat=True))
    # What was learned from an incident did not come back with it.
    known |= set(Lesson.objects.filter(postmortems__incident=incident).values_list("pk", flat=True))
    fresh = [(pk, words) for pk, words in reasons.items() if pk not in known][:LESSONS]
    LessonShowing.objects.bulk_create(
        (LessonShowing(lesson_id=pk, incident=incident, reasons=words[:4], shown_at=now) for pk, words in fresh),
        ignore_conflicts=True,
    )


def _applying(incident: Incident) -> list[tuple[int, list[str]]]:
    """(pk of a lesson, why), those with the most reasons first."""
    wanted, services = set(_signals(incident)), {one.lower() for one in incident.services}
    told = Q(services__overlap=incident.services) if incident.services else Q(pk__in=[])
    for kind, value in wanted:
        told |= Q(signals__contains=[{"kind": kind, "value": value}])
    found = []
    for pk, told_by, named in Lesson.objects.valid().filter(told).values_list("pk", "signals", "services"):
        words = [f"{one['kind']} {one['value']}" for one in told_by if (one.get("kind"), one.get("value")) in wanted]
        words += [f"service {one}" for one in named if one.lower() in services]
        found.append((pk, words))
    return sorted(found, key=lambda one: (-len(one[1]), -one[0]))[:LESSONS]


def _signals(incident: Incident) -> list[tuple[str, str]]:
    """As lessons name them: the workload without its kind, the reason, the alert."""
    rows = Trait.objects.filter(incident=incident, kind__in=["workload", "reason", "alert"]).order_by("kind", "value")
    told = rows.values_list("kind", "value")[:SIGNALS]
    return [(kind, value.partition("/")[2] if kind == "workload" else value) for kind, value in told]


def sweep(now: datetime) -> int:
    """Compares what is waiting, oldest first, for at most SWEEP_SECONDS.

    A request is marked before the work and not held during it: a person who asks anew meanwhile waits for nobody.
    """
    started, done = monotonic(), 0
    while monotonic() - started < SWEEP_SECONDS and (row := _claim()) is not None:
        done += _answered(row, now)
    return done


def _claim() -> MatchRequest | None:
    with transaction.atomic():
        waiting = MatchRequest.objects.select_for_update(skip_locked=True, of=("self",)).select_related("incident")
        waiting = waiting.filter(attempts__lt=ATTEMPTS).filter(Q(done_at=None) | Q(done_at__lt=F("wanted_at")))
        row = waiting.order_by("wanted_at").first()
        if row is not None:
            row.attempts += 1
            row.save(update_fields=["attempts"])
        return row


def _answered(row: MatchRequest, now: datetime) -> bool:
    try:
        with transaction.atomic():
            rows = match_incident(row.incident_id, now)
            _tell(row.incident, rows, now)
    except Exception:
        # The page says so after ATTEMPTS; until then the next sweep tries again. One that fails holds up no other.
        log.exception("incident %s could not be compared with earlier ones", row.incident_id)
        return False
    # What was asked for meanwhile is still to be done.
    MatchRequest.objects.filter(pk=row.pk, wanted_at=row.wanted_at).update(done_at=row.wanted_at, attempts=0)
    return True


def _tell(incident: Incident, rows: Sequence[Match], now: datetime) -> None:
    """Chats hear of each likely match once, and of nothing that not everybody may see."""
    if not incident.is_open or incident.is_restricted:
        return
    fresh = [row for row in rows if row.told_at is None and not row.verdict and row.score >= TOLD_FROM]
    open_to_all = Match.objects.filter(pk__in=[row.pk for row in fresh], earlier__visibility=Visibility.INTERNAL)
    told = list(open_to_all.select_related("earlier").order_by("-score")[:TOLD])
    if not told:
        return
    Match.objects.filter(pk__in=[row.pk for row in told]).update(told_at=now)
    matches = [
        {
            "title": f"{row.earlier.key} {row.earlier.title}",
            "address": f"{settings.BASE_URL}{row.earlier.get_absolute_url()}",
            "reason": ", ".join(one["label"] for one in row.reasons[:3]),
        }
        for row in told
    ]
    signals.tell("incident_matched", at=now, incident_id=incident.pk, matches=matches + _lessons_told(incident))


def _lessons_told(incident: Incident) -> list[dict[str, str]]:
    """Lessons that everybody may read."""
    shown = LessonShowing.objects.filter(incident=incident).select_related("lesson").order_by("pk")
    hidden = Lesson.objects.exclude(postmortems=None).exclude(postmortems__incident__visibility=Visibility.INTERNAL)
    rows = shown.exclude(lesson__in=hidden).exclude(lesson__state=Lesson.State.RETIRED)[:TOLD]
    return [
        {
            "title": str(row.lesson),
            "address": f"{settings.BASE_URL}{row.lesson.get_absolute_url()}",
            "reason": ", ".join(row.reasons[:2]),
        }
        for row in rows
    ]
