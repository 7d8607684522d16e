"""Files of offices are archives that note when they were made; here the same content gives the same bytes. Plain Python."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime

_STAMP = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:(?:created|modified)>)")


def settle_office(data: bytes, at: datetime) -> bytes:
    """Every entry, and every time noted inside, also in workbooks within, is `at`."""
    moment = at.astimezone(UTC)
    stamp = (max(moment.year, 1980), moment.month, moment.day, moment.hour, moment.minute, moment.second)
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as new,
    ):
        for name in old.namelist():
            body = old.read(name)
            if name.endswith(".xlsx"):
                body = settle_office(body, at)
            elif name == "docProps/core.xml":
                body = _STAMP.sub(rb"\g<1>" + f"{moment:%Y-%m-%dT%H:%M:%SZ}".encode() + rb"\g<2>", body)
            entry = zipfile.ZipInfo(name, stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, body)
    return out.getvalue()
