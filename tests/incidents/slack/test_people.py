"""Who somebody in Slack is here: only addresses of this workspace are believed, and who left does nothing more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents.slack.models import SlackPerson, Workspace
from incidents.slack.people import person
from tests.incidents.slack.fixtures import Work, declare, failed
from tests.stand_ins.slack import SlackStandIn


def answer_about(slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch, **told: Any) -> str:
    """Slack says `told` of Ada beside what it says otherwise; her id."""
    from incidents.slack import people

    asked = people.call

    def call(method: str, **arguments: Any) -> dict[str, Any]:
        answer = asked(method, **arguments)
        return answer | {"user": answer["user"] | told} if method == "users.info" else answer

    monkeypatch.setattr(people, "call", call)
    return slack.workspace.find_user("ada").id


def test_an_address_of_this_workspace_is_believed(slack: SlackStandIn) -> None:
    found = person(slack.workspace.find_user("ada").id)
    assert found.user is not None
    assert found.user.username == "ada"


@pytest.mark.parametrize(
    "told",
    [
        {"team_id": "T0ELSEWHERE"},
        {"team_id": None},
        {"team_id": "T0ELSEWHERE", "enterprise_user": {"teams": ["T0OTHER"]}},
        {"is_stranger": True},
        {"deleted": True},
        {"is_email_confirmed": False},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"is_bot": True},
    ],
)
def test_an_address_that_others_give_makes_nobody_somebody_here(
    slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any]
) -> None:
    assert person(answer_about(slack, monkeypatch, **told)).user is None


def test_a_workspace_of_an_organisation_is_ours_where_it_is_among_theirs(
    slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"team_id": "E0GRID", "enterprise_user": {"teams": [slack.workspace.team_id]}}
    assert person(answer_about(slack, monkeypatch, **told)).user is not None


def test_while_nobody_knows_whose_the_token_is_nobody_is_linked(slack: SlackStandIn) -> None:
    Workspace.objects.all().delete()
    slack.fail("auth.test", "internal_error")
    ada = slack.workspace.find_user("ada").id
    assert person(ada).user is None
    SlackPerson.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    assert person(ada).user is not None


def test_who_left_slack_keeps_the_link_and_does_nothing_more(slack: SlackStandIn, work: Work) -> None:
    channel = declare(slack, work)
    slack.workspace.find_user("ada").deleted = True
    SlackPerson.objects.update(checked_at=timezone.now() - timedelta(days=2))
    assert slack.command("ada", "mitigated", where=channel.name).ok
    work()
    channel.incident.refresh_from_db()
    assert channel.incident.status == "investigating"
    assert "deactivated" in str(slack.seen_by("ada")[-1:])
    assert SlackPerson.objects.get(name__iexact="ada").user is not None
    assert failed() == []
