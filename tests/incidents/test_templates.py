"""Templates: who writes them, what is refused by name, which one a post-mortem begins with, what deleting keeps."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.permissions import PermissionProblem
from accounts.problems import InvalidInput
from incidents.actions.template import copy_template, delete_template, save_template, set_template_defaults
from incidents.models import PostMortem, PostMortemTemplate, Severity
from tests.api.calling import Api
from tests.builders import NOW, make_incident, make_person, make_postmortem

pytestmark = pytest.mark.django_db


def save(body: str = "## Summary\n\n{summary}\n", **overrides: Any) -> PostMortemTemplate:
    fields = {"template": None, "name": "Short", "by": make_person("root"), "now": NOW} | overrides
    return save_template(body=body, **fields)


def test_a_saved_template_is_audited_and_fills_a_post_mortem() -> None:
    row = save("<!-- be kind -->\n## What\n\n{summary}\n\n{recovery}\n")
    assert AuditEvent.objects.get(verb="template.added").target == "Short"
    body = make_postmortem(template=row).body
    assert "Checkout answers 503" in body
    assert "It is not over yet" in body
    assert "{" not in body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (" ", "is empty"),
        ("{sumary} {weather}", "names {sumary}, {weather}, which is no variable; expected some of {summary}, {impact}"),
        ("{summary} {summary}", "{summary} more than once"),
        ("<!-- open", "does not close it"),
        ("x" * 50_001, "at most 50,000"),
        ("[" * 30_000, "cannot be rendered"),
    ],
)
def test_a_wrong_text_is_refused_with_what_is_expected(body: str, expected: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        save(body)
    assert expected in refused.value.errors["body"]


@pytest.mark.parametrize(("name", "expected"), [(" ", "is empty"), ("x" * 61, "at most 60"), ("Standard", "another")])
def test_a_wrong_name_is_refused(name: str, expected: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        save(name=name)
    assert expected in refused.value.errors["name"]


def test_only_admins_write_templates(as_ada: Client) -> None:
    row = save()
    with pytest.raises(PermissionProblem):
        save(by=make_person("ada"))
    for path in ("", "new/", f"{row.pk}/"):
        assert as_ada.get(f"/settings/templates/{path}").status_code == 403
    for path in ("new/", "defaults/", f"{row.pk}/", f"{row.pk}/copy/", f"{row.pk}/delete/"):
        assert as_ada.post(f"/settings/templates/{path}", {"name": "x", "body": "y"}).status_code == 403


def test_a_post_mortem_begins_with_the_template_of_its_severity_and_kind() -> None:
    short = save()
    sev1 = Severity.objects.get(name="SEV1")
    standard = PostMortemTemplate.objects.get(name="standard")
    chosen: dict[tuple[Severity, str], PostMortemTemplate | None] = {(sev1, "incident"): short, (sev1, "drill"): None}
    set_template_defaults(overall=standard, chosen=chosen, by=make_person("root"), now=NOW)
    names = [
        make_postmortem(make_incident(severity=severity, kind=kind)).template.name
        for severity, kind in (("SEV1", "incident"), ("SEV1", "drill"), ("SEV2", "incident"))
    ]
    assert names == ["Short", "standard", "standard"]


def test_a_template_in_use_stays_for_its_post_mortems_and_is_offered_no_more(as_root: Client) -> None:
    row = save()
    make_postmortem(template=row)
    delete_template(template=row, by=make_person("root"), now=NOW)
    assert PostMortem.objects.get().template.name == "Short"
    assert "Short" not in as_root.get("/settings/templates/").content.decode()
    assert as_root.get(f"/settings/templates/{row.pk}/").status_code == 404
    with pytest.raises(InvalidInput, match="was deleted"):
        save(name="short")


def test_a_template_that_nobody_used_is_gone_and_the_default_stays() -> None:
    row = copy_template(template=save(), by=make_person("root"), now=NOW)
    assert row.name == "Short, copy"
    assert copy_template(template=row, by=make_person("root"), now=NOW).name == "Short, copy, copy"
    delete_template(template=row, by=make_person("root"), now=NOW)
    assert not PostMortemTemplate.objects.filter(name="Short, copy").exists()
    with pytest.raises(InvalidInput, match="choose another default first"):
        delete_template(template=PostMortemTemplate.objects.get(is_default=True), by=make_person("root"), now=NOW)


def test_the_page_writes_copies_deletes_and_sets_defaults(as_root: Client) -> None:
    assert as_root.post("/settings/templates/new/", {"name": "Mine", "body": "## A\n\n{impact}"}).status_code == 302
    row = PostMortemTemplate.objects.get(name="Mine")
    as_root.post(f"/settings/templates/{row.pk}/", {"name": "Ours", "body": "## B\n\n{impact}"})
    as_root.post(f"/settings/templates/{row.pk}/copy/")
    severity = Severity.objects.get(name="SEV1")
    as_root.post("/settings/templates/defaults/", {"overall": row.pk, f"default-{severity.pk}-drill": row.pk})
    row.refresh_from_db()
    assert (row.name, row.body, row.is_default) == ("Ours", "## B\n\n{impact}", True)
    assert row.default_for.get().kind == "drill"
    copied = PostMortemTemplate.objects.get(name="Ours, copy")
    assert as_root.post(f"/settings/templates/{copied.pk}/delete/", follow=True).status_code == 200
    assert not PostMortemTemplate.objects.filter(name="Ours, copy").exists()


def test_a_refused_form_keeps_what_was_typed(as_root: Client) -> None:
    answer = as_root.post("/settings/templates/new/", {"name": "Mine", "body": "An hour of {wrong} work"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "An hour of {wrong} work" in page
    assert "Names {wrong}, which is no variable" in page


def test_the_preview_is_filled_from_the_chosen_incident_and_saves_nothing(as_root: Client) -> None:
    incident = make_incident(title="Node lost <script>")
    form = {"name": "Mine", "body": "<!-- hint -->\n{summary}", "incident": incident.pk, "preview": "1"}
    page = as_root.post("/settings/templates/new/", form).content.decode()
    filled = page.partition("would begin")[2]
    assert "Node lost &lt;script&gt;" in filled
    assert "hint" not in filled
    assert not PostMortemTemplate.objects.filter(name="Mine").exists()


def test_wrong_defaults_are_refused(as_root: Client) -> None:
    before = PostMortemTemplate.objects.get(is_default=True)
    for overall in ("", "999999", "x"):
        page = as_root.post("/settings/templates/defaults/", {"overall": overall}, follow=True).content.decode()
        assert "Not done." in page
    assert PostMortemTemplate.objects.get(is_default=True) == before


def test_the_api_lists_templates_and_takes_none() -> None:
    api = Api(make_person("cy"))
    names = [row["name"] for row in api.get("postmortem-templates/").json()["results"]]
    assert names == ["standard", "narrative"]
    assert Api(make_person("root")).post("postmortem-templates/", {"name": "x"}).status_code == 405


def test_the_shipped_templates_ask_about_the_recovery_unless_somebody_changed_them() -> None:
    step = importlib.import_module("incidents.migrations.0021_recovery_in_shipped_templates")
    for name in ("standard", "narrative"):
        assert "{recovery}" in PostMortemTemplate.objects.get(name=name).body
    PostMortemTemplate.objects.filter(name="standard").update(body="Ours alone")

    class Apps:
        @staticmethod
        def get_model(*_: str) -> type[PostMortemTemplate]:
            return PostMortemTemplate

    step.remove(Apps, None)
    step.add(Apps, None)
    assert PostMortemTemplate.objects.get(name="standard").body == "Ours alone"
    assert "{recovery}" in PostMortemTemplate.objects.get(name="narrative").body
