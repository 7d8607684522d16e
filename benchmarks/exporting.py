"""The handout of a session of eight post-mortems with 40 charts, as PDF and as Word, beside pandoc and typst alone on the
same document: HTML with its pictures, rendered beforehand, and no template, theme, appendix or limits.
"""

from __future__ import annotations

import base64
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Figure, figure
from knowledge.exports import pictures
from knowledge.exports.document import Document
from knowledge.exports.document import Figure as Drawing
from knowledge.exports.handout_html import body_html
from knowledge.exports.subjects import Prepared, prepare
from knowledge.exports.writing import write
from tests.builders import make_person
from tests.knowledge.sessions import make_full_session

ROUNDS = 5
AIM = 1.3
COMPILE = (
    "import sys, typst; typst.compile(sys.argv[1], output=sys.argv[2], root=sys.argv[3], font_paths=[sys.argv[4]])"
)


def figures() -> list[Figure]:
    person = make_person("ada")
    session = make_full_session()
    prepared = prepare("brownbag", session.pk, {}, person)
    found = []
    with tempfile.TemporaryDirectory() as name:
        bare = Bare(Path(name), prepared.document)
        for form, floor in (("pdf", bare.pdf), ("docx", bare.docx)):

            def ours(form: str = form) -> None:
                write(prepare("brownbag", session.pk, {}, person), "brownbag", form)

            taken = _side_by_side(ours, floor)
            memory = [_memory(act) for act in (_writing(prepared, form), floor)]
            label = f"{form.upper()} of 8 post-mortems, 40 charts"
            found.append(
                figure(
                    f"{label} / pandoc{' and typst' if form == 'pdf' else ''}",
                    value=taken[0],
                    floor=taken[1],
                    unit="s",
                    aim=AIM,
                )
            )
            found.append(figure(f"{label}, memory / the same", value=memory[0], floor=memory[1], unit="MiB", aim=AIM))
    return found


def _writing(prepared: Prepared, form: str) -> Callable[[], object]:
    return lambda: write(prepared, "brownbag", form)


class Bare:
    """The programs alone."""

    def __init__(self, folder: Path, document: Document) -> None:
        import pypandoc

        self.folder, self.pandoc = folder, pypandoc.get_pandoc_path()
        self.count = 0
        whole = "<!doctype html><html><head><title>Handout</title></head><body>{}</body></html>"
        (folder / "files.html").write_text(whole.format(body_html(document, draw=self._as_file)), encoding="utf-8")
        (folder / "inside.html").write_text(whole.format(body_html(document, draw=self._as_data)), encoding="utf-8")

    def _as_file(self, drawing: Drawing) -> str:
        self.count += 1
        (self.folder / f"{self.count}.svg").write_text(drawing.svg, encoding="utf-8")
        return f'<img src="{self.count}.svg" alt="x" width="600">'

    def _as_data(self, drawing: Drawing) -> str:
        data = base64.b64encode(pictures.png_of(drawing) or b"").decode()
        return f'<img src="data:image/png;base64,{data}" alt="x" width="600">'

    def pdf(self) -> None:
        from knowledge.exports.measuring import FONTS

        self._run([self.pandoc, "--sandbox", "-s", "-f", "html", "-t", "typst", "files.html", "-o", "bare.typ"])
        target = [str(self.folder / "bare.typ"), str(self.folder / "bare.pdf"), str(self.folder), str(FONTS)]
        self._run([sys.executable, "-I", "-c", COMPILE, *target])

    def docx(self) -> None:
        self._run([self.pandoc, "--sandbox", "-f", "html", "-t", "docx", "inside.html", "-o", "bare.docx"])

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


def _side_by_side(ours: Callable[[], object], floor: Callable[[], object]) -> list[float]:
    taken: list[list[float]] = [[], []]
    for place in range(ROUNDS + 1):
        for act, kept in zip((ours, floor), taken, strict=True):
            start = time.perf_counter()
            act()
            if place:
                kept.append(time.perf_counter() - start)
    return [statistics.median(kept) for kept in taken]


def _memory(act: Callable[[], object]) -> float:
    """MiB of the largest process that it took, in a process of its own: ours with all of Debrief in it."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        act()
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if act.__name__ == "<lambda>" else 0
        os.write(writer, str(max(before, own)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as told:
        return int(told.read()) / 1024
