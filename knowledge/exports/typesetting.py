"""PDF by typst, in a process of its own: a folder with the document, the bundled fonts, and nothing else within reach."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from knowledge.exports.document import Document
from knowledge.exports.measuring import FONTS
from knowledge.exports.printed import Printing
from knowledge.exports.problems import ExportProblem

DEADLINE = 90
_HERE = Path(__file__).parent
_WORKER = _HERE / "typst_worker.py"


def pdf(document: Document) -> bytes:
    printing = Printing()
    data = printing.document(document)
    with tempfile.TemporaryDirectory(prefix="debrief-pdf-") as name:
        folder = Path(name)
        (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
        (folder / "main.typ").write_bytes((_HERE / "handout.typ").read_bytes())
        for file, content in printing.files.items():
            (folder / file).write_bytes(content)
        return _compiled(folder)


def _compiled(folder: Path) -> bytes:
    command = [sys.executable, "-I", str(_WORKER), str(folder), str(FONTS)]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=DEADLINE, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise ExportProblem(f"Typesetting took longer than {DEADLINE} s; export fewer post-mortems at once.") from None
    if ran.returncode or not ran.stdout.startswith(b"%PDF"):
        told = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ExportProblem(f"Typesetting failed: {told[-1][:300] if told else f'it ended with {ran.returncode}'}")
    return ran.stdout
