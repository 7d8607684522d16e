"""Importing what was written elsewhere: recognised, shown before it is done, taken in once, without losing a word."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from html import unescape
from io import StringIO
from pathlib import Path

import pypandoc
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from incidents.models import Collection, Happening, Incident, PostMortem
from knowledge.importing.planning import plan
from knowledge.importing.recognising import moment, recognise, severity_of
from knowledge.models import ImportedDocument, MatchRequest
from tests.builders import make_incident, make_person
from tests.knowledge import folder

pytestmark = pytest.mark.django_db


def run(path: Path, *options: str) -> str:
    make_person("root")
    out = StringIO()
    call_command("import_postmortems", str(path), *options, stdout=out)
    return out.getvalue()


def words_of(path: Path) -> list[str]:
    """Every word that somebody reads in the file, by pandoc for pages and Word files."""
    if path.suffix in {".html", ".docx"}:
        kind = path.suffix[1:]
        command = [pypandoc.get_pandoc_path(), "-f", kind, "-t", "plain", "--wrap=none"]
        text = subprocess.run(command, input=path.read_bytes(), capture_output=True, check=True).stdout.decode()
    else:
        data = path.read_bytes()
        text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8")
    return re.findall(r"\w+", text)


def page_words(client: Client, postmortem: PostMortem) -> str:
    shown = client.get(postmortem.get_absolute_url()).content.decode()
    return " ".join(re.findall(r"\w+", unescape(re.sub(r"<[^>]+>", " ", shown))))


def test_thirty_of_mixed_shape_lose_no_word_and_come_once(tmp_path: Path, as_root: Client) -> None:
    paths = folder.write(tmp_path)
    told = run(tmp_path)
    assert "30 imported, 0 already here, 0 left out" in told, told
    for row in ImportedDocument.objects.select_related("postmortem__incident"):
        path = Path(row.path)
        shown = set(page_words(as_root, row.postmortem).split())
        source = row.postmortem.title + row.postmortem.body
        lost = [word for word in words_of(path) if word not in shown and word not in source]
        assert lost == [], (row.path, lost)
    assert {Path(row.path) for row in ImportedDocument.objects.all()} == set(paths)
    before = PostMortem.objects.count()
    assert "0 imported, 30 already here, 0 left out" in run(tmp_path)
    assert PostMortem.objects.count() == before == 30


def test_what_is_recognised_stands_in_its_place(tmp_path: Path) -> None:
    folder.write(tmp_path)
    run(tmp_path)
    rows = {row.path.rpartition("/")[2]: row.postmortem for row in ImportedDocument.objects.all()}
    first = rows["00-report.md"]
    assert first.title == "Outage number 0 of the shop"
    assert first.incident.severity.name == "SEV1"
    assert first.incident.declared_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert first.incident.services == ["checkout", "service-0"]
    assert first.incident.labels == ["imported", "database"]
    assert "keep-me-0" in first.body
    page = rows["02-report.html"].incident
    assert page.milestone_times() == {
        "impact_started": datetime(2024, 3, 3, 8, 15, tzinfo=UTC),
        "resolved": datetime(2024, 3, 3, 9, 45, tzinfo=UTC),
    }
    assert rows["03-report.docx"].incident.severity.name == "SEV4"
    assert rows["03-report.docx"].incident.declared_at.date().isoformat() == "2024-04-04"
    bare = rows["07-report.md"].incident
    assert (bare.severity_is_open, bare.declared_at.date().isoformat()) == (True, "2024-08-08")


def test_a_dry_run_tells_everything_and_writes_nothing(tmp_path: Path) -> None:
    folder.write(tmp_path)
    told = run(tmp_path, "--dry-run")
    assert "30 would be imported" in told
    assert "old/er/00-report.md: new, “Outage number 0 of the shop”, severity 1, 2024-01-01" in told
    assert "No severity was found; somebody has to choose one." in told
    assert not Incident.objects.exists()


def test_no_source_is_asked_and_no_chat_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# One\n\nDate: 2024-05-05\n\nText.")
    run(tmp_path)
    assert not Collection.objects.exists()
    assert not Happening.objects.exists()
    assert MatchRequest.objects.count() == 1
    assert PostMortem.objects.get().state == "published"


def test_what_cannot_be_taken_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.md").write_text(" \n")
    (tmp_path / "broken.docx").write_bytes(b"no zip")
    (tmp_path / "long.md").write_text("x" * 200_001)
    (tmp_path / "same.md").write_text("# Same")
    (tmp_path / "twin.md").write_text("# Same")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "not.md").write_text("# Not")
    outside = tmp_path.parent / "secret.md"
    outside.write_text("# Secret")
    (tmp_path / "link.md").symlink_to(outside)
    told = run(tmp_path)
    for words in (
        "empty.md: left out, it is empty",
        "broken.docx: left out, it could not be read by pandoc",
        "long.md: left out, it has 200,001 characters",
        "twin.md: left out, it is the same file as same.md",
        "link.md: left out, it is a link that leads out of the folder",
        "1 imported, 0 already here, 5 left out",
    ):
        assert words in told
    (tmp_path / "same.md").write_text("# Same, but changed")
    assert "has changed since it became INC-1" in run(tmp_path / "same.md", "--dry-run")


def test_a_path_that_is_not_there_and_an_empty_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="path: there is no"):
        run(tmp_path / "nowhere")
    with pytest.raises(CommandError, match=r"holds no \.md"):
        run(tmp_path)
    (tmp_path / "a.md").write_text("text")
    with pytest.raises(CommandError, match="--as: nobody"):
        run(tmp_path, "--as", "nobody")


def test_hostile_files_stay_text(tmp_path: Path, as_root: Client) -> None:
    (tmp_path / "a.html").write_text(
        "<h1>x</h1><script>alert(1)</script><img src=x onerror=alert(2)><a href='javascript:alert(3)'>l</a>"
        "<iframe src='file:///etc/passwd'></iframe><p>kept</p>"
    )
    laughs = "a: &a [x,x]\n" + "".join(
        f"{n}: &{n} [*{m},*{m},*{m}]\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (tmp_path / "b.md").write_text(f"---\n{laughs}title: <script>alert(4)</script>\n---\nBody")
    run(tmp_path)
    for row in PostMortem.objects.all():
        shown = as_root.get(row.get_absolute_url()).content.decode()
        assert "<script>alert" not in shown
        assert "onerror=alert" not in shown.replace("&quot;", '"') or "&lt;img" in shown
        assert 'href="javascript' not in shown
        assert "root:" not in shown


def test_services_that_are_known_are_found_in_a_title(tmp_path: Path) -> None:
    make_incident(services=["orders-db"])
    (tmp_path / "a.md").write_text("# The orders-db was slow on 2024-01-02\n\nText")
    [planned] = plan(tmp_path)
    assert planned.recognised is not None
    assert planned.recognised.services == ["orders-db"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("on 2024-03-02T10:11:12Z", "2024-03-02 10:11"),
        ("2024-03-02 10:00 +02:00", "2024-03-02 08:00"),
        ("2 March 2024 at 07:30", "2024-03-02 07:30"),
        ("Mar 2nd, 2024", "2024-03-02 00:00"),
        ("2024/3/2", "2024-03-02 00:00"),
        ("2024-13-45", ""),
        ("version 1.2.3", ""),
    ],
)
def test_days_are_read_as_people_write_them(text: str, day: str) -> None:
    found = moment(text)
    assert (f"{found:%Y-%m-%d %H:%M}" if found else "") == day


@pytest.mark.parametrize(
    ("text", "rank"),
    [("SEV-0", 1), ("sev 3", 3), ("P2", 2), ("Severity: 4", 4), ("critical", 1), ("Minor", 3), ("none", None)],
)
def test_severities_are_read_as_people_write_them(text: str, rank: int | None) -> None:
    assert severity_of(text) == rank


def test_a_time_without_its_day_belongs_to_the_day_of_the_start() -> None:
    found = recognise("Start: 2024-01-02 23:30\nResolved: 00:15\n", {}, "x")
    assert found.resolved_at == datetime(2024, 1, 3, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("Date: 2025-03-02\nStart: 10:00\nEnd: 11:30\n", {"started": "10:00", "resolved": "11:30"}),
        ("Date: 2025-03-02\nDetected: 10:05\nResolved: 10:55\n", {"detected": "10:05", "resolved": "10:55"}),
        ("Date: 2025-03-02\nDuration: 2 h\n", {}),
        ("Start: 2025-03-02 10:00\nDuration: 1 h 30 min\n", {"started": "10:00", "resolved": "11:30"}),
        ("Date: 2025-03-02\nDuration: 99999999999999999999 hours\n", {}),
    ],
)
def test_no_time_of_day_is_invented(text: str, times: dict[str, str]) -> None:
    found = recognise(text, {}, "x")
    assert found.day is not None
    assert found.day.date().isoformat() == "2025-03-02"
    told = {name: getattr(found, f"{name}_at") for name in ("started", "detected", "mitigated", "resolved")}
    assert {name: f"{at:%H:%M}" for name, at in told.items() if at} == times


@pytest.mark.parametrize("text", ["AWS S3 outage", "it's 3 hours", "There's 4 pods", "step 2"])
def test_words_that_only_look_like_a_severity_are_none(text: str) -> None:
    assert recognise(f"# {text}", {}, "x").severity is None


def test_tables_of_other_things_are_no_facts() -> None:
    text = "# Cache down\n\nName: Bob Smith\n\n| Name | Role |\n|---|---|\n| Service | Owner |\n| Bob | lead |\n"
    found = recognise(text, {}, "x")
    assert (found.title, found.services) == ("Cache down", [])


def test_a_zone_by_letters_is_told_and_not_guessed() -> None:
    assert any("zone" in note for note in recognise("Start: 2025-03-02 10:00 CET\n", {}, "x").notes)


def test_one_odd_file_holds_up_no_other(tmp_path: Path) -> None:
    odd = ('title: "a \\uD800"', 'title: "b \\0"', "severity: 0x" + "f" * 9_000, 'tags: ["\\0", x]')
    for place, line in enumerate(odd):
        (tmp_path / f"{place}.md").write_text(f"---\n{line}\n---\nText {place}\n")
    (tmp_path / "z.md").write_text("# Last\n\nText")
    assert "left out" in run(tmp_path)
    assert Incident.objects.filter(title="Last").exists()


def test_files_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    for folder_name in ("payments", "search"):
        (tmp_path / folder_name).mkdir()
        (tmp_path / folder_name / "postmortem.md").write_text(f"# Outage of {folder_name}\n\nText")
        assert "1 imported" in run(tmp_path / folder_name)
    (tmp_path / "search" / "postmortem.md").write_text("# Changed")
    assert "has changed since it became INC-2" in run(tmp_path / "search")
