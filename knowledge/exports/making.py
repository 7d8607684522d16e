"""Makes one file that was asked for: claimed under a lease, with progress, kept with its outcome. Calls no action."""

from __future__ import annotations

import hashlib
import logging
import zoneinfo
from datetime import datetime, timedelta

from billiard.exceptions import SoftTimeLimitExceeded
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from incidents.leasing import renewed
from knowledge.exports.formats import FORMATS
from knowledge.exports.problems import ExportProblem
from knowledge.exports.subjects import Prepared, prepare
from knowledge.exports.writing import write
from knowledge.models import Export

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=15)
RENEW_EVERY = 5.0
ATTEMPTS = 3
KEPT_FOR = timedelta(days=90)
MOST_BYTES = 100 * 2**20
State = Export.State


def claimable(now: datetime) -> QuerySet[Export]:
    """Waiting, or being made under a lease that its worker no longer renews."""
    return Export.objects.filter(Q(state=State.QUEUED) | Q(state=State.RUNNING, lease_until__lt=now))


def claim(export_id: int, now: datetime) -> Export | None:
    """Take one that nobody makes; None when it is finished or another worker has it."""
    taken = claimable(now).filter(pk=export_id, attempts__lt=ATTEMPTS)
    fields = {"state": State.RUNNING, "attempts": F("attempts") + 1, "started_at": now, "lease_until": now + LEASE}
    if not taken.update(**fields):
        return None
    return Export.objects.select_related("person").defer("data").get(pk=export_id)


def make(export: Export) -> None:
    """Write the file, or down why there is none. Raises nothing that a person should read."""
    running = Export.objects.filter(pk=export.pk, state=State.RUNNING)
    with renewed(running, lease=LEASE, every=RENEW_EVERY):
        try:
            _made(export)
        except ExportProblem as problem:
            fail(export, str(problem), timezone.now())
        except SoftTimeLimitExceeded:
            fail(export, "It took longer than it may; export fewer post-mortems at once.", timezone.now())
        except Exception as problem:
            # Shown on its page; the type alone, since the text may quote what the reader may not see.
            log.exception("export %s failed", export.pk)
            reason = f"The writer failed ({type(problem).__name__}). This is a fault in Debrief; see the worker's log."
            fail(export, reason, timezone.now())


def _made(export: Export) -> None:
    told = {name: str(value) for name, value in export.query.items()}
    with timezone.override(_zone(told.pop("zone", "UTC"))):
        _step(export, 10, "Gathering texts and evidence")
        prepared = prepare(export.subject, export.ref, told, export.person)
        digest = prepared.digest()
        known = same_content(export, digest)
        if known is not None and known.data is not None:
            finish(export, prepared, bytes(known.data), digest)
            return
        _step(export, 40, f"Writing {FORMATS[export.subject][export.format].label}")
        content = write(prepared, export.subject, export.format)
    if len(content) > MOST_BYTES:
        raise ExportProblem(f"The file has {len(content) / 2**20:,.0f} MiB; at most {MOST_BYTES // 2**20} are kept.")
    finish(export, prepared, content, digest)


def same_content(export: Export, digest: str) -> Export | None:
    """A file that this person already has of the same content."""
    rows = Export.objects.filter(person=export.person, subject=export.subject, ref=export.ref, format=export.format)
    return rows.filter(state=State.DONE, digest=digest).exclude(pk=export.pk).first()


def finish(export: Export, prepared: Prepared, content: bytes, digest: str) -> None:
    form = FORMATS[export.subject][export.format]
    now = timezone.now()
    Export.objects.filter(pk=export.pk).update(
        state=State.DONE,
        progress=100,
        step="",
        reason="",
        title=prepared.document.title[:300],
        digest=digest,
        left_out=prepared.document.left_out,
        file_name=f"{prepared.stem}.{form.extension}",
        content_type=form.content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        query={**export.query, **prepared.made_of},
        data=content,
        finished_at=now,
        lease_until=None,
    )


def fail(export: Export, reason: str, now: datetime) -> None:
    Export.objects.filter(pk=export.pk).update(
        state=State.FAILED, reason=reason[:2_000], step="", finished_at=now, lease_until=None
    )


def give_up(now: datetime) -> int:
    """Those whose worker died ATTEMPTS times say so, so that no page waits for ever."""
    lost = claimable(now).filter(attempts__gte=ATTEMPTS)
    reason = f"The worker ended {ATTEMPTS} times while it was being made; it may need more memory than there is."
    return lost.update(state=State.FAILED, reason=reason, step="", finished_at=now, lease_until=None)


def prune(now: datetime) -> int:
    """Files are let go after KEPT_FOR; what they were made of is still there."""
    return Export.objects.filter(requested_at__lt=now - KEPT_FOR).delete()[0]


def _step(export: Export, progress: int, step: str) -> None:
    Export.objects.filter(pk=export.pk).update(progress=progress, step=step[:120])


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name[:64])
    except (ValueError, OSError, KeyError):
        return zoneinfo.ZoneInfo("UTC")
