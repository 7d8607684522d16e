"""Runs with automated checks: queued, judged, excused, signed off; checklists with versions and schedules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.problems import InvalidInput
from incidents.models import FollowUp
from knowledge.actions.checklist import save_checklist
from knowledge.actions.exception import add_exception, withdraw_exception
from knowledge.actions.run import check_run, finish_run, raise_followup, start_run, tick
from knowledge.actions.schedule import add_schedule
from knowledge.checking import runs, schedules
from knowledge.models import Checklist, ChecklistRun, ChecklistTick
from knowledge.tasks.checking import check_run as check_run_task
from tests.builders import NOW, make_checklist, make_cluster, make_incident, make_lesson, make_person
from tests.knowledge.checks.judged import connect
from tests.stand_ins.kubernetes import KubernetesStandIn

pytestmark = pytest.mark.django_db
ITEMS = [
    {"text": "Two replicas", "group": "Availability", "check_name": "replicas"},
    {"text": "Requests are set", "group": "Capacity", "check_name": "resources"},
    {"text": "Somebody is on call"},
]
CHECKOUT = {"namespace": "shop", "workload_kind": "Deployment", "workload_name": "checkout"}


@pytest.fixture
def server() -> Iterator[KubernetesStandIn]:
    with KubernetesStandIn() as server:
        connect(server)
        yield server


def checked(**target: Any) -> ChecklistRun:
    """A run for checkout whose checks have been judged."""
    run = start_run(checklist=make_checklist(items=ITEMS), by=make_person("ada"), now=NOW, **(target or CHECKOUT))
    check_run_task(run.pk)
    run.refresh_from_db()
    return run


def states(run: ChecklistRun) -> list[tuple[str, str]]:
    return list(run.ticks.values_list("state", "verdict"))


def test_the_checks_of_a_run_decide_what_is_done(server: KubernetesStandIn) -> None:
    run = checked()
    assert states(run) == [("open", "fail"), ("done", "pass"), ("open", "")]
    assert (run.check_state, run.checked_at is not None) == ("done", True)
    assert run.ticks.all()[0].facts["rows"] == [["deployment/checkout", "3", "0", "0 of 3 replicas ready"]]


def test_each_list_is_read_once_for_a_run(server: KubernetesStandIn) -> None:
    checked(namespace="shop")
    paths = [path for path in server.paths() if path.endswith(("deployments", "statefulsets", "daemonsets"))]
    assert sorted(paths) == sorted(set(paths))


def test_a_run_is_claimed_by_one_worker_and_given_up_after_three_deaths(server: KubernetesStandIn) -> None:
    run = start_run(checklist=make_checklist(items=ITEMS), by=make_person("ada"), now=NOW, **CHECKOUT)
    at = NOW
    for _ in range(runs.ATTEMPTS):
        assert runs.claim(run.pk, at) is not None
        assert runs.claim(run.pk, at) is None
        at += runs.LEASE * 2
    assert runs.give_up(at) == 1
    assert [verdict for _, verdict in states(run)] == ["unknown", "unknown", ""]
    assert "The worker ended 3 times" in run.ticks.all()[0].verdict_reason


def test_nobody_ticks_what_its_check_does_not_pass(server: KubernetesStandIn) -> None:
    ada, run = make_person("ada"), checked()
    failing, passing, manual = run.ticks.all()
    with pytest.raises(InvalidInput, match="its check has not passed"):
        tick(tick=failing, state="done", by=ada, now=NOW)
    tick(tick=failing, state="waived", note="It is being retired.", by=ada, now=NOW)
    tick(tick=manual, state="done", by=ada, now=NOW)
    assert tick(tick=passing, state="open", by=ada, now=NOW).state == "done"
    assert finish_run(run=run, by=ada, now=NOW).finished_at == NOW
    with pytest.raises(InvalidInput, match="was signed off"):
        check_run(run=run, by=ada, now=NOW)


def test_checking_again_takes_the_new_verdict_and_leaves_what_was_waived(server: KubernetesStandIn) -> None:
    ada, run = make_person("ada"), checked()
    tick(tick=run.ticks.all()[1], state="waived", note="Known.", by=ada, now=NOW)
    server.edit("deployments", lambda items: [one["status"].update(readyReplicas=3) for one in items])
    check_run(run=run, by=ada, now=NOW)
    with pytest.raises(InvalidInput, match="under way already"):
        check_run(run=run, by=ada, now=NOW)
    check_run_task(run.pk)
    assert states(run)[:2] == [("done", "pass"), ("waived", "pass")]


def test_an_exception_excuses_a_failure_until_its_day(server: KubernetesStandIn) -> None:
    ada, run = make_person("ada"), checked()
    failing, passing, manual = run.ticks.all()
    now = timezone.now()
    with pytest.raises(InvalidInput, match="Only a check that fails"):
        add_exception(tick=passing, reason="x", ends_at=now + timedelta(days=1), by=ada, now=now)
    for ends, words in ((now, "a day to come"), (now + timedelta(days=400), "too far away")):
        with pytest.raises(InvalidInput, match=words):
            add_exception(tick=failing, reason="x", ends_at=ends, by=ada, now=now)
    row = add_exception(tick=failing, reason="Node pool grows.", ends_at=now + timedelta(days=7), by=ada, now=now)
    tick(tick=manual, state="done", by=ada, now=now)
    assert finish_run(run=run, by=ada, now=now).finished_at == now
    again = start_run(checklist=run.checklist, by=ada, now=NOW, **CHECKOUT)
    check_run_task(again.pk)
    item = again.ticks.all()[0]
    assert (item.exception, item.is_excused(now), item.is_excused(now + timedelta(days=8))) == (row, True, False)
    withdraw_exception(exception=row, by=ada, now=now)
    assert not ChecklistTick.objects.get(pk=item.pk).is_settled(now)


def test_a_failed_item_becomes_a_follow_up_in_one_press(server: KubernetesStandIn) -> None:
    ada, run = make_person("ada"), checked()
    item = run.ticks.all()[0]
    with pytest.raises(InvalidInput, match="choose the incident"):
        raise_followup(tick=item, by=ada, now=NOW)
    made = raise_followup(tick=item, by=ada, now=NOW, incident=make_incident())
    assert (made.title, made.check_up.check_name, made.check_up.workload_name) == (
        "Two replicas",
        "replicas",
        "checkout",
    )
    assert (made.check_up.verdict, "0 of 3 replicas ready" in made.description) == ("fail", True)
    with pytest.raises(InvalidInput, match="open for this item already"):
        raise_followup(tick=item, by=ada, now=NOW)


def test_an_incident_fills_in_what_a_run_looks_at() -> None:
    cluster = make_cluster()
    workload = {"kind": "Deployment", "namespace": "shop", "name": "checkout"}
    incident = make_incident(workloads=[workload], services=["checkout"], clusters=[cluster])
    run = start_run(checklist=make_checklist(items=ITEMS), by=make_person("ada"), now=NOW, incident=incident)
    assert run.place == "prod-eu / shop, deployment/checkout"
    wide = make_incident(namespaces=["shop", "pay"])
    assert start_run(checklist=run.checklist, by=make_person("ada"), now=NOW, incident=wide).namespace == ""


def test_a_run_without_a_place_judges_nothing_and_is_excused_nowhere(server: KubernetesStandIn) -> None:
    ada, checklist = make_person("ada"), make_checklist(items=ITEMS)
    said = []
    for namespaces in (["shop", "pay"], []):
        incident = make_incident(namespaces=namespaces, services=[] if not namespaces else ["checkout"])
        run = start_run(checklist=checklist, by=ada, now=NOW, incident=incident)
        check_run_task(run.pk)
        assert [verdict for _, verdict in states(run)] == ["unknown", "unknown", ""]
        said.append(run.ticks.all()[0].verdict_reason)
    assert said == [
        "The incident names several namespaces (pay, shop); name one.",
        "This run names no namespace and no service.",
    ]
    ChecklistTick.objects.filter(run=run).update(verdict="fail")
    with pytest.raises(InvalidInput, match="names no place"):
        add_exception(tick=run.ticks.all()[0], reason="x", ends_at=NOW + timedelta(days=1), by=ada, now=NOW)


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({"namespace": "Shop!"}, "namespace"),
        ({"workload_name": "checkout"}, "namespace"),
        ({"namespace": "shop", "workload_name": "checkout"}, "workload_kind"),
        ({"namespace": "shop", "workload_kind": "Teapot"}, "workload_kind"),
    ],
)
def test_a_wrong_target_is_refused_by_name(target: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        start_run(checklist=make_checklist(), by=make_person("ada"), now=NOW, **target)
    assert list(refused.value.errors) == [field]


def test_a_version_rises_with_the_items_and_a_run_keeps_its_own(as_ada: Client) -> None:
    ada, checklist = make_person("ada"), make_checklist(items=ITEMS)
    run = start_run(checklist=checklist, by=ada, now=NOW, service="checkout")
    same = save_checklist(checklist=checklist, by=ada, now=NOW, name="Renamed", items=ITEMS)
    assert same.version == 1
    changed = [{**ITEMS[0], "params": {"least": "3"}}, *ITEMS[1:]]
    later = save_checklist(checklist=checklist, by=ada, now=NOW, name="Renamed", items=changed, note="Three of them")
    assert (later.version, run.version) == (2, 1)
    assert [one.number for one in later.versions.all()] == [2, 1]
    assert later.versions.all()[0].items[0]["params"] == {"least": 3}
    page = as_ada.get(f"/checklists/{checklist.pk}/versions/").content.decode()
    assert ("<ins>3" in page, "Three of them" in page) == (True, True)
    assert "Two replicas" in as_ada.get(f"/checklists/{checklist.pk}/versions/1/").content.decode()


def test_checklists_are_paged_and_searched(as_ada: Client) -> None:
    for place in range(31):
        make_checklist(name=f"List {place:02d}", items=ITEMS)
    first = as_ada.get("/checklists/?q=List+").content.decode()
    assert ("List 00" in first, "List 30" in first, "before=" in first) == (True, False, True)
    before = re.search(r"before=(\d+)", first)
    assert before is not None
    second = as_ada.get(f"/checklists/?q=List&before={before[1]}").content.decode()
    assert ("List 00" in second, "List 30" in second) == (False, True)


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"text": "x", "check_name": "guess"}, "items.0.check_name"),
        ({"text": "x", "check_name": "replicas", "params": {"least": 0}}, "items.0.params"),
        ({"text": "x", "group": "g" * 61}, "items.0.group"),
    ],
)
def test_a_wrong_item_is_refused_by_its_place(item: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_checklist(items=[item])
    assert list(refused.value.errors) == [field]


def test_the_editor_works_by_form_alone_and_keeps_what_was_typed(as_ada: Client) -> None:
    form = {
        "name": "Scale",
        "kind": "readiness",
        "item_text": ["Three replicas", ""],
        "item_why": ["Two is one", ""],
        "item_group": ["Availability", ""],
        "item_check": ["replicas", ""],
        "item_params": ["least: many", ""],
    }
    refused = as_ada.post("/checklists/new/", form)
    assert (refused.status_code, "least: many" in refused.content.decode()) == (422, True)
    more = as_ada.post("/checklists/new/", form | {"more": "1"})
    assert (more.status_code, more.content.decode().count("data-agenda-item")) == (200, 4)
    as_ada.post("/checklists/new/", form | {"item_params": ["least: 3", ""]})
    item = Checklist.objects.get(name="Scale").items.get()
    assert (item.check_name, item.params, item.group) == ("replicas", {"least": 3}, "Availability")


def test_an_item_says_which_lesson_it_came_from_and_keeps_it(as_ada: Client) -> None:
    lesson, checklist = make_lesson(), make_checklist()
    address = f"{checklist.get_absolute_url()}edit/"
    page = as_ada.get(f"{address}?lesson={lesson.number}").content.decode()
    assert (f'value="{lesson.statement}"' in page, f'value="{lesson.key}"' in page) == (True, True)
    form = {"name": checklist.name, "kind": "response", "item_text": ["Ask the process"], "item_lesson": ["L-99"]}
    assert "expected one such as L-5" in as_ada.post(address, form).content.decode()
    as_ada.post(address, form | {"item_lesson": [lesson.key]})
    by, items = make_person("ada"), [{"text": "Ask the process", "group": "Probes"}]
    save_checklist(checklist=checklist, by=by, now=NOW, name=checklist.name, items=items)
    run = start_run(checklist=checklist, by=by, now=NOW, service="checkout")
    page = as_ada.get(run.get_absolute_url()).content.decode()
    assert ("Why these items" in page, lesson.get_absolute_url() in page) == (True, True)


def test_a_schedule_starts_its_run_once_and_not_again_before_its_time() -> None:
    checklist = make_checklist(items=ITEMS)
    add_schedule(checklist=checklist, by=make_person("ada"), now=NOW, every_hours=6, namespace="shop")
    assert len(schedules.start_due(NOW)) == 1
    assert schedules.start_due(NOW + timedelta(hours=5)) == []
    assert len(schedules.start_due(NOW + timedelta(days=9))) == 1
    assert ChecklistRun.objects.filter(schedule__isnull=False).count() == 2


def test_the_page_of_a_run_shows_verdicts_and_the_missing_rule(server: KubernetesStandIn, as_ada: Client) -> None:
    server.deny("apps", "deployments")
    run = checked()
    page = as_ada.get(run.get_absolute_url()).content.decode()
    assert ("2 unknown" in page, "Copy the missing role" in page) == (True, True)
    body = as_ada.get(f"{run.get_absolute_url()}body/").content.decode()
    assert ("hx-get" in body, "apiGroups" in body) == (False, True)
    check_run(run=run, by=make_person("ada"), now=NOW)
    assert "hx-get" in as_ada.get(f"{run.get_absolute_url()}body/").content.decode()


def test_lists_stand_by_name_and_the_newest_run_first(as_ada: Client) -> None:
    lists = [make_checklist(name=name) for name in ("Zebra first", "Antelope second")]
    for hours, one in ((2, lists[0]), (1, lists[1])):
        start_run(checklist=one, by=make_person("ada"), now=NOW - timedelta(hours=hours), service=f"svc-{hours}")
    shown = as_ada.get("/checklists/").content.decode()
    assert shown.index("Antelope second") < shown.index("Zebra first")
    assert shown.index("svc-1") < shown.index("svc-2")


def test_a_run_of_a_restricted_incident_is_not_there_for_others() -> None:
    from tests.fixtures import signed_in

    incident = make_incident(visibility="restricted")
    run = start_run(checklist=make_checklist(items=ITEMS), by=make_person("ada"), now=NOW, incident=incident)
    client, address = signed_in(make_person("ben")), run.get_absolute_url()
    assert [client.get(address).status_code, client.get(f"{address}body/").status_code] == [404, 404]
    for deed in ("check/", "finish/", f"ticks/{run.ticks.all()[0].pk}/follow-up/"):
        assert client.post(f"{address}{deed}").status_code == 404


def test_an_item_is_excused_raised_and_withdrawn_on_its_page(server: KubernetesStandIn, as_ada: Client) -> None:
    incident, run = make_incident(), checked()
    item = run.ticks.all()[0]
    place = f"{run.get_absolute_url()}ticks/{item.pk}/"
    ends = timezone.localtime() + timedelta(days=3)
    as_ada.post(f"{place}excuse/", {"reason": "Grows on Monday.", "ends_at": f"{ends:%Y-%m-%dT%H:%M}"})
    page = as_ada.get(run.get_absolute_url()).content.decode()
    assert ("1 excused" in page, "Grows on Monday." in page) == (True, True)
    exception = ChecklistTick.objects.get(pk=item.pk).exception_id
    as_ada.post(f"{run.get_absolute_url()}exceptions/{exception}/withdraw/")
    assert "1 fail" in as_ada.get(run.get_absolute_url()).content.decode()
    as_ada.post(f"{place}follow-up/", {"incident": str(incident.number)})
    made = FollowUp.objects.get()
    assert made.key in as_ada.get(run.get_absolute_url()).content.decode()
    assert "Its check" in as_ada.get(made.get_absolute_url()).content.decode()


def test_the_page_of_a_run_asks_no_more_for_more_items(as_ada: Client, django_assert_num_queries: Any) -> None:
    def page_of(count: int) -> str:
        items = [{"text": f"Item {place}", "check_name": "replicas"} for place in range(count)]
        checklist = make_checklist(name=f"Of {count}", items=items)
        run = start_run(checklist=checklist, by=make_person("ada"), now=NOW, incident=make_incident())
        for item in run.ticks.all():
            raise_followup(tick=item, by=make_person("ada"), now=NOW)
        return run.get_absolute_url()

    few, many = page_of(1), page_of(9)
    as_ada.get(few)
    with CaptureQueriesContext(connection) as asked:
        as_ada.get(few)
    with django_assert_num_queries(len(asked)):
        as_ada.get(many)
