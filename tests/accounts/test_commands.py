"""The commands of manage.py: what they print, refuse and leave behind."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from telemetry.models import Heartbeat, Source
from tests.builders import make_brownbag, make_lesson, make_person, make_source

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    printed = StringIO()
    call_command(*arguments, stdout=printed)
    return printed.getvalue()


def test_bootstrap_makes_an_admin_and_prints_a_link_until_somebody_came() -> None:
    first = run("bootstrap")
    assert User.objects.get().role == "admin"
    second = run("bootstrap")
    links = [re.search(r"/sign-in/(\S+)/", text) for text in (first, second)]
    assert all(links)
    assert Client().post(f"/sign-in/{links[0][1]}/").status_code == 410, "the earlier link is replaced"
    assert Client().post(f"/sign-in/{links[1][1]}/").status_code == 302
    assert run("bootstrap") == ""
    assert User.objects.count() == 1


def test_create_token_prints_one_that_works_by_name_or_address(ada: User) -> None:
    for name in ("ada", "ADA@example.org"):
        secret = run("create_token", name, "--scope", "read", "--days", "3").strip()
        answer = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/incidents/")
        assert answer.status_code == 200
    assert {tuple(token.scopes) for token in ApiToken.objects.all()} == {("read",)}
    with pytest.raises(CommandError, match="No person has the username or e-mail address 'eve'"):
        run("create_token", "eve")


def test_sign_in_link_prints_one_that_signs_in(ada: User) -> None:
    printed = run("sign_in_link", "ada").strip()
    client = Client()
    client.post("/sign-in/" + printed.rpartition("/sign-in/")[2])
    assert client.get("/settings/profile/").status_code == 200
    with pytest.raises(CommandError):
        run("sign_in_link", "eve")


def test_the_doctor_finds_what_is_broken_and_says_how_to_mend_it(root: User) -> None:
    make_source()
    Source.objects.update(preflight=[{"name": "reachable", "ok": False}], preflight_at=timezone.now())
    printed = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=printed)
    said = {line.split()[0]: line for line in printed.getvalue().splitlines()}
    assert said["database"].split()[1] == said["migrations"].split()[1] == said["broker"].split()[1] == "ok"
    assert "did not pass their last test: Prometheus" in said["sources"]
    assert "has never been heard of" in said["worker"]


def test_the_doctor_is_content_with_an_installation_that_works(root: User) -> None:
    Heartbeat.objects.create(name="worker", at=timezone.now())
    assert {line.split()[1] for line in run("doctor").splitlines()} == {"ok"}


def test_a_session_is_exported_to_a_file_that_stands_alone(root: User, tmp_path: Path) -> None:
    lesson = make_lesson(context="See <script>alert(1)</script> and ![x](http://outside.example/x.png)")
    session = make_brownbag(items=[{"lesson": lesson}], title="Probes <b>")
    for form in ("page", "md"):
        target = tmp_path / f"report.{form}"
        run("export_brownbag", str(session.pk), "--format", form, "--output", str(target))
        assert lesson.statement in target.read_text()
    html = (tmp_path / "report.page").read_text()
    assert "<script" not in html
    assert "<link" not in html
    assert not re.findall(r'src(?:set)?="(?!data:)[^"]*"', html)
    assert "url(http" not in html


def test_an_export_that_cannot_be_written_says_so(root: User, tmp_path: Path) -> None:
    session = make_brownbag()
    with pytest.raises(CommandError, match="--output: cannot write"):
        run("export_brownbag", str(session.pk), "--output", str(tmp_path / "no" / "file.html"))
    with pytest.raises(CommandError, match="There is no brown-bag session 9999"):
        run("export_brownbag", "9999")
    with pytest.raises(CommandError, match="'eve'"):
        run("export_brownbag", str(session.pk), "--as", "eve")


def test_nobody_can_be_made_twice_by_bootstrap(root: User) -> None:
    make_person("ada")
    run("bootstrap")
    assert User.objects.count() == 2
