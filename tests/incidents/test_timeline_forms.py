"""Pinning and hiding without scripts."""

import re

import pytest
from django.test import Client

from tests.builders import make_incident, make_note, make_person


@pytest.mark.django_db
def test_a_line_is_pinned_by_its_plain_form_with_the_token_of_the_page() -> None:
    ada = make_person("ada")
    incident = make_incident()
    note = make_note(incident=incident)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    page = client.get(incident.get_absolute_url()).content.decode()
    address = f"/incidents/{incident.number}/timeline/{note.pk}/"
    form = page[page.index(f'action="{address}"') :]
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert found is not None
    refused = client.post(address, {"pinned": "1"})
    done = client.post(address, {"pinned": "1", "csrfmiddlewaretoken": found[1]})
    note.refresh_from_db()
    assert (refused.status_code, done.status_code, note.pinned) == (403, 302, True)
