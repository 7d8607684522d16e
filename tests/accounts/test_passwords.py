"""Signing in with a password, changing it, and the addresses that would need mail."""

import pytest
from django.test import Client

from accounts.models import User

OLD, NEW = "correct-horse-1", "another-horse-2"


@pytest.fixture
def ada(db: None) -> User:
    user = User(username="ada", email="ada@example.org", role="responder")
    user.set_password(OLD)
    user.save()
    return user


@pytest.mark.parametrize("login", ["ada", "ada@example.org"])
def test_name_and_address_both_sign_in(ada: User, client: Client, login: str) -> None:
    assert client.post("/accounts/login/", {"login": login, "password": OLD}).status_code == 302
    assert client.get("/").status_code == 200


def test_a_wrong_password_is_refused_and_noted(ada: User, client: Client) -> None:
    answer = client.post("/accounts/login/", {"login": "ada", "password": "wrong"})
    assert answer.status_code == 200
    assert client.get("/").status_code == 302


def test_the_password_is_changed_by_who_knows_the_old_one(ada: User, client: Client) -> None:
    client.force_login(ada)
    refused = client.post("/accounts/password/change/", {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert refused.status_code == 200
    done = client.post("/accounts/password/change/", {"oldpassword": OLD, "password1": NEW, "password2": NEW})
    assert done.status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(NEW)


def test_asking_for_a_reset_by_mail_explains_the_one_time_link(client: Client, db: None) -> None:
    page = client.get("/accounts/password/reset/")
    assert "sign_in_link" in page.content.decode()
    assert client.post("/accounts/password/reset/", {"email": "ada@example.org"}).status_code == 405


def test_nobody_signs_up_alone(client: Client, db: None) -> None:
    answer = client.post("/accounts/signup/", {"username": "mallory", "email": "m@example.org", "password1": NEW})
    assert answer.status_code == 302
    assert not User.objects.filter(username="mallory").exists()
