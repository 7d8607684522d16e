"""People, their one-time links, their tokens, and what the audit trail keeps."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.actions.people import LastAdmin, change_person
from accounts.actions.tokens import create_sign_in_link, create_token, find_token, revoke_token, use_sign_in_link
from accounts.encryption import CredentialProblem, decrypt, encrypt
from accounts.models import ApiToken, AuditEvent, SignInLink, User
from accounts.permissions import PermissionProblem
from telemetry.models import Cluster, Source
from tests import database
from tests.builders import make_cluster, make_person, make_source, make_token

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 6, 38, tzinfo=UTC)


def test_only_the_digest_of_a_token_is_kept(ada: User) -> None:
    token, secret = create_token(user=ada, name="CI", scopes=["read"], now=NOW)
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert database.places_of(secret) == []
    assert secret.startswith(token.prefix)


def test_a_token_is_found_until_it_is_revoked_or_expires(ada: User) -> None:
    token, secret = create_token(user=ada, name="CI", scopes=["read"], now=NOW, expires_at=NOW + timedelta(days=1))
    assert find_token(secret=secret, now=NOW) == token
    assert find_token(secret=secret, now=NOW + timedelta(days=1)) is None
    assert find_token(secret=secret[:-1], now=NOW) is None
    revoke_token(token=token, by=ada, now=NOW)
    assert find_token(secret=secret, now=NOW) is None


def test_the_use_of_a_token_is_audited_once_a_day(ada: User) -> None:
    secret = make_token(ada, "read")
    for minutes in (0, 1, 5, 60):
        find_token(secret=secret, now=NOW + timedelta(minutes=minutes))
    assert AuditEvent.objects.filter(verb="token.used").count() == 1
    find_token(secret=secret, now=NOW + timedelta(days=1))
    assert AuditEvent.objects.filter(verb="token.used").count() == 2


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [(["read"], 200, 403), (["write"], 200, 201), (["admin"], 200, 201), (["ingest"], 403, 403)],
)
def test_a_token_does_what_its_scopes_allow(ada: User, scopes: list[str], reads: int, writes: int) -> None:
    client = Client(headers={"Authorization": f"Bearer {make_token(ada, *scopes)}"})
    assert client.get("/api/v1/incidents/").status_code == reads
    body = {"title": "T", "severity": "SEV3"}
    assert client.post("/api/v1/incidents/", body, content_type="application/json").status_code == writes


def test_a_token_never_does_more_than_its_owner(cy: User) -> None:
    client = Client(headers={"Authorization": f"Bearer {make_token(cy, 'admin', 'write')}"})
    body = {"title": "T", "severity": "SEV3"}
    assert client.post("/api/v1/incidents/", body, content_type="application/json").status_code == 403


def test_the_page_shows_a_new_token_once_and_revokes_only_ones_own(as_ada: Client, cy: User) -> None:
    shown = as_ada.post("/settings/tokens/", {"name": "CI", "scopes": ["read"], "days": "7"}).content.decode()
    token = ApiToken.objects.get(user__username="ada")
    assert token.prefix in shown
    assert shown.count("dbf_") > as_ada.get("/settings/tokens/").content.decode().count("dbf_")
    assert token.expires_at is not None
    make_token(cy)
    theirs = ApiToken.objects.get(user=cy)
    assert as_ada.post(f"/settings/tokens/{theirs.pk}/revoke/").status_code == 404
    assert as_ada.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_looking_at_a_one_time_link_does_not_use_it_up(ada: User) -> None:
    secret = create_sign_in_link(user=ada, now=datetime.now(UTC))
    client = Client()
    for _ in range(3):
        assert client.get(f"/sign-in/{secret}/").status_code == 200
    assert client.post(f"/sign-in/{secret}/")["Location"] == "/"
    assert client.get("/incidents/").status_code == 200
    assert Client().post(f"/sign-in/{secret}/").status_code == 410
    assert database.places_of(secret) == []
    assert set(AuditEvent.objects.values_list("verb", flat=True)) >= {"sign_in.link", "sign_in"}


def test_a_link_ends_after_a_day_and_with_its_person(ada: User) -> None:
    late = create_sign_in_link(user=ada, now=NOW)
    assert use_sign_in_link(secret=late, now=NOW + timedelta(hours=24)) is None
    gone = create_sign_in_link(user=ada, now=NOW)
    User.objects.update(is_active=False)
    assert use_sign_in_link(secret=gone, now=NOW) is None
    assert use_sign_in_link(secret="never made", now=NOW) is None


def test_sign_in_by_password_is_audited_and_so_is_a_refusal(ada: User) -> None:
    ada.set_password("correct horse battery")
    ada.save()
    client = Client()
    client.post("/accounts/login/", {"login": "ada", "password": "wrong"})
    assert AuditEvent.objects.filter(verb="sign_in.refused", target="ada").exists()
    client.post("/accounts/login/", {"login": "ada@example.org", "password": "correct horse battery"})
    assert client.get("/incidents/").status_code == 200
    assert AuditEvent.objects.filter(verb="sign_in", target="ada").exists()
    assert database.places_of("correct horse") == []


def test_nobody_signs_up_by_themselves() -> None:
    form = {"username": "eve", "email": "eve@example.org", "password1": "x" * 20, "password2": "x" * 20}
    Client().post("/accounts/signup/", form)
    assert not User.objects.filter(username="eve").exists()


def test_the_last_admin_stays(root: User) -> None:
    for change in ({"role": "viewer", "is_active": True}, {"role": "admin", "is_active": False}):
        with pytest.raises(LastAdmin):
            change_person(user=root, by=root, now=NOW, **change)
    second = make_person("second", role="admin")
    change_person(user=root, role="viewer", is_active=True, by=second, now=NOW)
    assert AuditEvent.objects.get(verb="person.changed").detail["role"] == ["admin", "viewer"]
    with pytest.raises(PermissionProblem):
        change_person(user=second, role="viewer", is_active=True, by=root, now=NOW)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"username": "ada"}, "Somebody has this username already."),
        ({"email": "ADA@example.org"}, "Somebody has this address already."),
        ({"email": "nobody"}, "valid email"),
        ({"username": "has spaces & <b>"}, "valid username"),
        ({"role": "king"}, "not one of the available choices"),
    ],
)
def test_a_refused_person_says_why(as_root: Client, ada: User, form: dict[str, str], words: str) -> None:
    given = {"username": "dora", "email": "dora@example.org", "name": "Dora", "role": "viewer"} | form
    answer = as_root.post("/settings/people/", given)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not User.objects.filter(name="Dora").exists()


def test_an_added_person_signs_in_with_the_shown_link(as_root: Client) -> None:
    form = {"username": "dora", "email": "dora@example.org", "name": "Dora", "role": "viewer"}
    link = as_root.post("/settings/people/", form).context["link"]
    path = link.removeprefix(settings.BASE_URL)
    client = Client()
    assert client.post(path)["Location"] == "/"
    assert client.get("/").status_code == 200


def test_credentials_are_encrypted_at_rest() -> None:
    make_cluster()
    make_source(auth={"bearer": "bearer-at-rest"}, headers={"X-Scope-OrgID": "tenant-at-rest"})
    for secret in ("reader-token-of-prod-eu", "bearer-at-rest", "tenant-at-rest"):
        assert database.places_of(secret) == []
    assert Source.objects.get(kind="prometheus").secrets()["auth"] == {"bearer": "bearer-at-rest"}


def test_rotation_needs_the_old_key_until_it_is_done(settings: Settings) -> None:
    make_cluster()
    settings.CREDENTIAL_KEYS = ["second key " * 4]
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_credentials")
    settings.CREDENTIAL_KEYS = ["second key " * 4, settings.SECRET_KEY]
    call_command("rotate_credentials")
    settings.CREDENTIAL_KEYS = ["second key " * 4]
    assert Cluster.objects.get().kubeconfig()["kind"] == "Config"
    settings.CREDENTIAL_KEYS = [settings.SECRET_KEY]
    with pytest.raises(CredentialProblem):
        Cluster.objects.get().kubeconfig()


def test_encryption_says_the_same_thing_differently_each_time() -> None:
    assert encrypt({"a": "b"}) != encrypt({"a": "b"})
    assert decrypt(encrypt({"a": "ü"})) == {"a": "ü"}
    assert decrypt("") == {}


def test_sign_in_links_are_rows_without_their_secret(ada: User) -> None:
    secret = create_sign_in_link(user=ada, now=NOW)
    assert SignInLink.objects.get().digest == hashlib.sha256(secret.encode()).hexdigest()


def test_a_viewer_is_offered_only_a_token_that_reads(as_cy: Client) -> None:
    refused = as_cy.post("/settings/tokens/", {"name": "push", "scopes": ["ingest"]})
    assert refused.status_code == 422
    assert 'value="ingest"' not in refused.content.decode()
    assert as_cy.post("/settings/tokens/", {"name": "look", "scopes": ["read"]}).status_code == 200
    assert [token.scopes for token in ApiToken.objects.all()] == [["read"]]
