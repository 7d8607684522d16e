"""Every address: closed to strangers, read by viewers, written by responders, administered by admins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from incidents.actions.comment import add_comment
from incidents.actions.incident import change_status
from incidents.models import (
    Attachment,
    Delivery,
    ExternalLink,
    Incident,
    IncidentMerge,
    Notice,
    Picture,
    PostMortemTemplate,
    Publication,
    SetAside,
)
from incidents.slack.models import SlackPerson, SlackRequest
from knowledge.actions.followup_check import set_followup_check
from knowledge.actions.objective import save_objective
from knowledge.actions.run import start_run
from knowledge.actions.schedule import add_schedule
from knowledge.models import CheckException, ChecklistRun, Drill, Export, LessonShowing, Match
from telemetry.models import QueryTrial, Source
from tests.builders import (
    NOW,
    make_alert,
    make_alert_rule,
    make_brownbag,
    make_checklist,
    make_cluster,
    make_evidence,
    make_followup,
    make_incident,
    make_lesson,
    make_person,
    make_postmortem,
    make_query_template,
    make_source,
    make_token,
)
from tests.fixtures import signed_in

pytestmark = pytest.mark.django_db
OPEN = {"healthz", "readyz", "metrics", "sign-in-link", "outside", "hook"}
OPEN |= {"otlp-traces", "otlp-logs", "otlp-metrics", "fluent"}
OPEN |= {"slack-commands", "slack-interactions", "slack-events"}
RESPONDERS_READ = {
    "incident-declare",
    "incident-edit",
    "followup-new",
    "postmortem-edit",
    "postmortem-publish",
    "postmortem-outside",
    "postmortem-aside",
    "postmortem-additions",
    "postmortem-drafted",
    "lesson-new",
    "lesson-edit",
    "checklist-new",
    "checklist-edit",
    "brownbag-new",
    "brownbag-edit",
    "followup-check",
    "recovery-objective-new",
    "recovery-objective-edit",
    "drill-new",
    "drill-edit",
}
ADMINS_READ = {"settings-audit", "settings-severities", "source-new", "source-edit", "cluster-new", "cluster-edit"}
ADMINS_READ |= {"alert-rule-new", "alert-rule-edit", "query-new", "query-edit", "query-trial"}
ADMINS_READ |= {"template-list", "template-new", "template-edit"}
ADMINS_READ |= {"settings-slack", "settings-slack-example", "settings-slack-test-result"}
ADMINS_POST = {
    "template-new",
    "template-edit",
    "template-copy",
    "template-delete",
    "template-defaults",
    "settings-people",
    "settings-person",
    "settings-person-link",
    "settings-severity",
    "source-new",
    "source-edit",
    "source-check",
    "source-delete",
    "cluster-new",
    "cluster-edit",
    "query-new",
    "query-edit",
    "query-delete",
    "query-try",
    "alert-rule-new",
    "alert-rule-edit",
    "alert-rule-move",
    "alert-rule-delete",
    "alert-rules-usual",
    "settings-slack-save",
    "settings-slack-check",
    "settings-slack-test",
    "settings-slack-person",
    "settings-slack-request",
    "settings-slack-delivery",
}
OWN_POST = {"settings-tokens", "settings-token-revoke", "settings-profile", "postmortem-preview", "postmortem-verdict"}
OWN_POST |= {"postmortem-comments", "postmortem-comment", "notices-read", "notice-open"}
OWN_POST |= {"export-new", "export-delete", "brownbag-answer", "brownbag-feedback"}
# A file is for whoever asked for it, and to nobody else there is none.
OWN_READ = {"export", "export-file"}


def patterns(found: Any = None, prefix: str = "") -> Iterator[tuple[str, str]]:
    for pattern in get_resolver().url_patterns if found is None else found:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, route


NAMES = sorted({name for name, route in patterns() if not route.startswith(("api/", "accounts/"))})


@pytest.fixture
def world(db: None) -> dict[str, Any]:
    """One of everything that an address can name."""
    incident = make_incident()
    make_evidence(incident)
    followup, postmortem = make_followup(incident), make_postmortem(incident)
    lesson, checklist, session = make_lesson(postmortems=[postmortem]), make_checklist(), make_brownbag()
    run = start_run(checklist=checklist, by=make_person("ada"), now=NOW, incident=incident)
    checked = start_run(checklist=checklist, by=make_person("ada"), now=NOW, namespace="shop")
    excuse = CheckException.objects.create(item=checked.ticks.first().item, reason="R", ends_at=NOW, created_at=NOW)
    run.ticks.update(exception=excuse)
    place = {"by": make_person("ada"), "now": NOW, "namespace": "shop"}
    set_followup_check(followup=followup, check_name="replicas", **place)
    make_token(make_person("cy"))
    earlier = make_incident(title="Earlier", now=NOW - timedelta(days=1))
    match = Match.objects.create(incident=incident, earlier=earlier, score=3, found_at=NOW)
    showing = LessonShowing.objects.create(lesson=lesson, incident=incident, shown_at=NOW)
    IncidentMerge.objects.create(incident=incident, into=earlier, merged_at=NOW)
    comment = add_comment(postmortem=postmortem, body="How many?", by=make_person("cy"), now=NOW)
    return {
        "match": match,
        "showing": showing,
        "export": Export.objects.create(
            subject="incidents",
            format="md",
            title="T",
            person=make_person("cy"),
            state="done",
            data=b"x",
            requested_at=NOW,
        ),
        "comment": comment,
        "notice": Notice.objects.create(
            person=make_person("cy"), incident=incident, key="k", text="t", address="/", created_at=NOW
        ),
        "aside": SetAside.objects.create(
            postmortem=postmortem, based_on=1, title="T", body="B", digest="d", created_at=NOW
        ),
        "severity": incident.severity,
        "link": ExternalLink.objects.create(
            postmortem=postmortem, digest="d", audience="A", sections=["S"], created_at=NOW, expires_at=NOW
        ),
        "version": Publication.objects.create(postmortem=postmortem, number=1, title="T", published_at=NOW),
        "incident": incident,
        "entry": incident.timeline.first(),
        "template": PostMortemTemplate.objects.create(name="Ours", body="{summary}"),
        "picture": Picture.objects.create(
            incident=incident, name="p", content_type="image/png", width=1, height=1, size=1, data=b"x", created_at=NOW
        ),
        "attachment": Attachment.objects.create(
            incident=incident, name="a.txt", size=1, sha256="a", data=b"x", created_at=NOW
        ),
        "delivery": Delivery.objects.create(
            service="slack", kind="test", lane="slack:x", incident=incident, created_at=NOW, due_at=NOW
        ),
        "slack person": SlackPerson.objects.create(slack_id="U1", name="Mia", checked_at=NOW),
        "request": SlackRequest.objects.create(key="k", kind="event", lane="x", payload={}, created_at=NOW, due_at=NOW),
        "followup": followup,
        "lesson": lesson,
        "checklist": checklist,
        "session": session,
        "run": run,
        "excuse": excuse,
        "schedule": add_schedule(checklist=checklist, **place),
        "objective": save_objective(rto_seconds=60, **place),
        "drill": Drill.objects.create(title="D", checklist=checklist, planned_at=NOW),
        "alert": make_alert(),
        "alert rule": make_alert_rule(),
        "query": make_query_template(),
        "trial": QueryTrial.objects.create(
            source=make_source(), expr="up", window_from=NOW, window_to=NOW, asked_by=make_person("root"), asked_at=NOW
        ),
        "cluster": make_cluster(),
        "source": Source.objects.get(kind="prometheus"),
        "person": make_person("mallory"),
        "token": make_person("cy").api_tokens.first(),
    }


def address(name: str, world: dict[str, Any]) -> str:
    wanted = dict(patterns())[name]
    kinds = {
        "lesson-verdict": world["lesson"].number,
        "followup": world["followup"].number,
        "followup-check": world["followup"].number,
        "followup-check-deed": world["followup"].number,
        "lesson": world["lesson"].number,
        "lesson-edit": world["lesson"].number,
        "lesson-delete": world["lesson"].number,
        "settings-person": world["person"].pk,
        "settings-person-link": world["person"].pk,
        "settings-token-revoke": world["token"].pk,
        "cluster-edit": world["cluster"].pk,
        "notice-open": world["notice"].pk,
        "settings-severity": world["severity"].pk,
        "settings-slack-person": world["slack person"].pk,
        "settings-slack-request": world["request"].pk,
        "settings-slack-delivery": world["delivery"].pk,
    }
    number = kinds.get(name, world["incident"].number)
    pk = kinds.get(name, world["source"].pk if name.startswith("source") else world["checklist"].pk)
    if name.startswith("template-"):
        pk = world["template"].pk
    if name.startswith("alert-"):
        pk = world["alert rule" if "rule" in name else "alert"].pk
    if name.startswith("query-"):
        pk = world["trial" if name == "query-trial" else "query"].pk
    if name.startswith("recovery-objective"):
        pk = world["objective"].pk
    if name.startswith("brownbag"):
        pk = world["session"].pk
    if name in {"match-decide", "lesson-answer"}:
        pk = world["match" if name == "match-decide" else "showing"].pk
    if name.startswith("export"):
        pk = world["export"].pk
    if name.startswith("drill"):
        pk = world["drill"].pk
    if name == "checklist-version":
        number = world["checklist"].version
    if "runs/" in wanted:
        pk = world["run"].pk
    values = {
        "number": number,
        "pk": pk,
        "evidence": 1,
        "entry": world["entry"].pk,
        "comment": world["comment"].pk,
        "version": 1,
        "aside": world["aside"].pk,
        "ref": 0 if name == "export-new" else "E-1",
        "subject": "incidents",
        "picture": world["picture"].pk,
        "attachment": world["attachment"].pk,
        "delivery": world["delivery"].pk,
        "link": world["link"].pk,
        "token": "x" * 43,
        "exception_id": world["excuse"].pk,
        "schedule_id": world["schedule"].pk,
        "tick_id": world["run"].ticks.first().pk,
        "form": "md",
        "secret": "x" * 43,
        "name": "months" if name == "insight-csv" else "crash-loop",
        "kind": "alertmanager",
    }
    return reverse(name, kwargs={key: value for key, value in values.items() if f":{key}>" in wanted})


def problems(names: Iterable[str], problem_of: Callable[[str], str]) -> dict[str, str]:
    """What is wrong, by name. Each address sees the world as it was made, which takes longer than to ask it."""
    found = {}
    for name in names:
        with transaction.atomic():
            found[name] = problem_of(name)
            transaction.set_rollback(True)
    return {name: problem for name, problem in found.items() if problem}


def test_strangers_are_asked_to_sign_in(world: dict[str, Any]) -> None:
    def let_in(name: str) -> str:
        path = address(name, world)
        answers = [Client().get(path), Client().post(path)]
        targets = [answer.get("Location", "") for answer in answers]
        if name in OPEN:
            return "asks to sign in" if any("/accounts/login/" in target for target in targets) else ""
        if not all(target.startswith("/accounts/login/?next=") for target in targets):
            return f"lets strangers in: {[answer.status_code for answer in answers]}"
        part = Client().get(path, headers={"HX-Request": "true"}).status_code
        return "" if part == 401 else f"answers a part of a page with {part}"

    assert problems(NAMES, let_in) == {}


def test_reading_is_for_viewers_but_for_forms_and_administration(world: dict[str, Any]) -> None:
    clients = {who: signed_in(make_person(who)) for who in ("cy", "ada", "root")}

    def wrongly_read(name: str) -> str:
        path = address(name, world)
        codes = {who: client.get(path).status_code for who, client in clients.items()}
        if name in ADMINS_READ:
            right = codes == {"cy": 403, "ada": 403, "root": 200}
        elif name in OWN_READ:
            right = codes == {"cy": 200, "ada": 404, "root": 404}
        elif name in RESPONDERS_READ:
            right = codes == {"cy": 403, "ada": 200, "root": 200}
        else:
            right = codes["cy"] == 405 or name in OPEN or set(codes.values()) <= {200, 302}
        return "" if right else str(codes)

    assert problems(NAMES, wrongly_read) == {}


def test_writing_is_for_responders_and_administering_for_admins(world: dict[str, Any]) -> None:
    cy, ben, before = signed_in(make_person("cy")), signed_in(make_person("ben")), state()

    def wrongly_written(name: str) -> str:
        path = address(name, world)
        code = cy.post(path).status_code
        if code == 405:
            return ""
        if name in OWN_POST:
            return "" if code in {200, 302, 422} else f"refuses one's own with {code}"
        if code != 403:
            return f"answers a viewer with {code}"
        if name in ADMINS_POST and (code := ben.post(path).status_code) != 403:
            return f"answers a responder with {code}"
        return "" if state() == before else "changed something all the same"

    assert problems([name for name in NAMES if name not in OPEN], wrongly_written) == {}


def state() -> list[Any]:
    return [
        list(Incident.objects.values_list("resource_version", "status")),
        list(ChecklistRun.objects.values_list("resource_version", "finished_at")),
    ]


@pytest.mark.parametrize("name", ["status/", "roles/", "collect/", "timeline/notes/"])
def test_posts_without_the_forms_own_token_are_refused(world: dict[str, Any], name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_person("ada"))
    assert client.post(f"/incidents/1/{name}", {"status": "closed"}).status_code == 403


def test_a_deactivated_person_is_out_at_once(world: dict[str, Any]) -> None:
    ada = make_person("ada")
    client, token = signed_in(ada), make_token(ada)
    ada.is_active = False
    ada.save()
    assert client.get("/incidents/").status_code == 302
    answer = Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/incidents/")
    assert answer.status_code == 401


def test_every_page_carries_the_content_policy(world: dict[str, Any]) -> None:
    for path in ("/", "/incidents/1/", "/accounts/login/", "/api/v1/docs/", "/nowhere/"):
        policy = signed_in(make_person("cy")).get(path, follow=True).headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path", ["/incidents/?q=%00", "/search/?q=a%00b", "/follow-ups/?q=%00", "/settings/people/?q=%00"]
)
def test_a_nul_character_is_bad_input_on_pages_too(world: dict[str, Any], path: str) -> None:
    assert signed_in(make_person("cy")).get(path).status_code == 400


def test_a_nul_character_in_a_text_is_bad_input(world: dict[str, Any]) -> None:
    form = {"title": "T", "body": "nul \x00", "version": "1"}
    assert signed_in(make_person("ada")).post("/incidents/1/postmortem/autosave/", form).status_code == 400


def test_resolved_incidents_stay_readable(world: dict[str, Any]) -> None:
    change_status(incident=world["incident"], status="resolved", by=make_person("ada"), now=NOW)
    assert signed_in(make_person("cy")).get("/incidents/1/").status_code == 200
