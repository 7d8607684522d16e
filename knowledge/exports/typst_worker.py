"""The process that sets type: a folder and a folder of fonts in, PDF out. Started with -I; imports no Debrief."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from typing import Any

SECONDS = 80
MEMORY = 2 << 30


def main() -> None:
    for name, most in (("CPU", SECONDS), ("AS", MEMORY), ("CORE", 0), ("FSIZE", 0)):
        # Not every system lets every limit be set; the deadline of who asks holds everywhere.
        with suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    sys.stdout.buffer.write(_compiled(*sys.argv[1:3]))


def _compiled(folder: str, fonts: str) -> bytes:
    """With every guarantee for readers aloud (PDF/UA-1); signs that no bundled font has cost that one, not the file."""
    import typst

    told: dict[str, Any] = {"root": folder, "font_paths": [fonts], "ignore_system_fonts": True, "format": "pdf"}
    told |= {"package_path": folder, "package_cache_path": folder}
    try:
        return bytes(typst.compile(f"{folder}/main.typ", pdf_standards=["ua-1"], **told))
    except typst.TypstError as problem:
        if "could not be displayed" not in str(problem):
            raise
    return bytes(typst.compile(f"{folder}/main.typ", **told))


if __name__ == "__main__":
    main()
