"""The account that declares for strangers: nobody signs in with it, chooses it, or is mistaken for it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.actions.people import add_person
from accounts.actions.tokens import create_sign_in_link, use_sign_in_link
from accounts.models import Role, User
from accounts.problems import InvalidInput
from incidents.actions.comment import add_comment
from incidents.completing import suggestions
from incidents.forms import FollowUpForm, RoleForm
from incidents.models import Notice
from incidents.slack.administering import link_person
from incidents.slack.models import SlackPerson
from incidents.slack.people import stand_in
from tests.builders import NOW, make_incident, make_person, make_postmortem

pytestmark = pytest.mark.django_db


def test_it_is_one_account_without_a_password() -> None:
    assert stand_in() == stand_in()
    assert stand_in().email == "slack@not-linked.invalid"
    assert not stand_in().has_usable_password()


def test_somebody_called_slack_stays_who_they_are() -> None:
    named = make_person("slack", role=Role.ADMIN)
    assert stand_in() != named
    assert (stand_in().username, stand_in().role) == ("slack-2", Role.RESPONDER)


def test_no_link_signs_anybody_in_with_it() -> None:
    secret = create_sign_in_link(user=stand_in(), now=NOW)
    assert use_sign_in_link(secret=secret, now=NOW) is None


def test_people_do_not_list_it_and_make_no_link_for_it(as_root: Client) -> None:
    account = stand_in()
    shown = as_root.get("/settings/people/").content.decode()
    assert "not-linked.invalid" not in shown
    assert "root" in shown
    assert as_root.post(f"/settings/people/{account.pk}/link/").status_code == 404
    assert as_root.post(f"/settings/people/{account.pk}/", {"role": "admin"}).status_code == 404


def test_nobody_else_can_take_an_address_of_its_kind(as_root: Client) -> None:
    address = "me@NOT-linked.invalid"
    answer = as_root.post("/settings/people/", {"username": "eve", "email": address, "role": "responder"})
    assert answer.status_code == 422
    assert "are reserved" in answer.content.decode()
    with pytest.raises(ValidationError):
        add_person(username="eve", email=address, role=Role.RESPONDER, now=NOW)
    assert not User.objects.filter(username="eve").exists()


def test_it_is_offered_for_no_role_and_no_followup() -> None:
    account, ada = stand_in(), make_person("ada")
    for form in (RoleForm(), FollowUpForm()):
        field = form.fields["user" if "user" in form.fields else "owner"]
        assert list(field.queryset) == [ada]
        assert account not in field.queryset


def test_the_page_offers_everybody_but_it(as_root: Client) -> None:
    account, incident = stand_in(), make_incident(by=make_person("ada"))
    shown = as_root.get(incident.get_absolute_url()).content.decode()
    assert f'<option value="{account.pk}">' not in shown
    assert "Slack user, not linked" not in shown


def test_it_is_no_reviewer(as_root: Client) -> None:
    account, postmortem = stand_in(), make_postmortem()
    assert "Slack user, not linked" not in as_root.get(postmortem.get_absolute_url()).content.decode()
    as_root.post(f"{postmortem.get_absolute_url()}review/", {"reviewers": [account.pk]})
    assert not postmortem.reviews.filter(reviewer=account).exists()


def test_a_mention_of_it_reaches_nobody() -> None:
    account, postmortem = stand_in(), make_postmortem()
    add_comment(postmortem=postmortem, body=f"@{account.username} look", by=make_person("ben"), now=NOW)
    assert not Notice.objects.filter(person=account).exists()
    assert suggestions("@sl", postmortem.incident, make_person("ada")) == []


def test_nobody_in_slack_is_linked_to_it() -> None:
    row = SlackPerson.objects.create(slack_id="U1", name="eve", checked_at=timezone.now())
    with pytest.raises(InvalidInput):
        link_person(person=row, user=stand_in(), by=make_person("root"), now=NOW)
