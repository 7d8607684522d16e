"""What is said of every source: the table in the guide is the one of now, each kind has its page, each link resolves."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from telemetry.documents import BEGIN, END, renewed
from telemetry.kinds import Kind, groups
from tests.running import ROOT

DOCS = ROOT / "docs" / "using"
LINK = re.compile(r"\]\(([^)\s]+)\)")


def kinds() -> list[Kind]:
    return [kind for _, found in groups() for kind in found]


def test_the_table_in_the_guide_is_what_the_collectors_say() -> None:
    text = (DOCS / "sources.md").read_text()
    assert renewed(text) == text, "run: manage.py source_table docs/using/sources.md"


def test_the_command_renews_a_table_and_refuses_what_has_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    call_command("source_table", str(page))
    assert page.read_text().startswith(f"before\n{BEGIN}\n\n| source |")
    assert "old" not in page.read_text()
    assert page.read_text().endswith("\nafter\n")
    page.write_text("nothing")
    with pytest.raises(CommandError, match="expected the lines"):
        call_command("source_table", str(page))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_each_kind_has_a_page_that_names_it_and_its_options(kind: Kind) -> None:
    page = (DOCS / "sources" / f"{kind.page}.md").read_text()
    shared = (DOCS / "sources" / "elasticsearch.md").read_text() if kind.name == "opensearch" else ""
    assert kind.label.removesuffix(" (pushed)").split(",")[0] in page
    assert [name for name in kind.facts.options if f"`{name}`" not in page + shared] == []


def test_each_link_of_a_document_leads_to_a_file_and_a_heading() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    lost = []
    for path in [ROOT / line for line in listed.stdout.splitlines() if not line.startswith("tests/")]:
        for target in LINK.findall(re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(), flags=re.DOTALL)):
            name, _, place = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            file = (path.parent / name).resolve() if name else path
            if not file.exists() or (place and place not in _headings(file)):
                lost.append(f"{path.relative_to(ROOT)}: {target}")
    assert lost == []


def _headings(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
