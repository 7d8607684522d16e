"""Says whether the committed bundle in static/debrief belongs to the sources here. Needs no Node."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUNDLE = HERE.parent / "static" / "debrief"
SKIPPED = {"node_modules", "__pycache__"}


def digests(folder: Path) -> dict[str, str]:
    """sha256 of each file below `folder`, by its relative path; the manifest itself is left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        skipped = SKIPPED & set(parts) or path.name == "manifest.json" or path.suffix == ".py"
        if path.is_file() and not skipped:
            found["/".join(parts)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(recorded: dict[str, str], found: dict[str, str], what: str) -> list[str]:
    """One sentence for each file that is missing, new or other than recorded."""
    lines = [f"{what} {name}: in the manifest, but not there" for name in sorted(recorded.keys() - found.keys())]
    lines += [f"{what} {name}: not in the manifest" for name in sorted(found.keys() - recorded.keys())]
    both = recorded.keys() & found.keys()
    return lines + [f"{what} {name}: changed" for name in sorted(both) if recorded[name] != found[name]]


def main() -> int:
    manifest = json.loads((BUNDLE / "manifest.json").read_text())
    wrong = differences(manifest["sources"], digests(HERE), "source")
    wrong += differences(manifest["outputs"], digests(BUNDLE), "output")
    for line in wrong:
        sys.stderr.write(line + "\n")
    if wrong:
        sys.stderr.write("static/debrief does not belong to frontend/: run `make assets` and commit both.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
