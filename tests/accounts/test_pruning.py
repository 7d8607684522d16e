"""What is kept for a while only."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import IdempotencyKey, SignInLink
from accounts.tasks import prune
from tests.builders import make_person


@pytest.mark.django_db
def test_old_answers_and_dead_links_go_and_young_ones_stay() -> None:
    ada, now = make_person("ada"), timezone.now()
    for key in ("old", "young"):
        IdempotencyKey.objects.create(user=ada, key=key, path="/", request_digest="0")
    IdempotencyKey.objects.filter(key="old").update(created_at=now - timedelta(days=2))
    SignInLink.objects.create(user=ada, digest="dead", expires_at=now - timedelta(minutes=1))
    SignInLink.objects.create(user=ada, digest="alive", expires_at=now + timedelta(hours=1))
    assert prune() == 2
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["young"]
    assert list(SignInLink.objects.values_list("digest", flat=True)) == ["alive"]
