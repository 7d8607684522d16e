"""What tests with a database share: the broker on it, the cast, a real worker, a real web process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from accounts.models import User
from config import broker
from config.celery import app
from telemetry.models import Heartbeat
from telemetry.tasks import beat
from tests import database, running
from tests.builders import make_person


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The broker lives in the test database, as it lives in the real one."""
    with django_db_blocker.unblock():
        broker.install()
        options = app.conf.broker_transport_options
        options["conn_string"] = database.conninfo()
    yield
    app.pool.force_close_all()


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """A database in which things are really committed, so that other processes see them."""
    database.restore_reference_data()
    database.purge_queue()
    yield
    database.purge_queue()


@pytest.fixture
def ada(db: None) -> User:
    return make_person("ada")


@pytest.fixture
def ben(db: None) -> User:
    return make_person("ben")


@pytest.fixture
def cy(db: None) -> User:
    return make_person("cy")


@pytest.fixture
def mallory(db: None) -> User:
    return make_person("mallory")


@pytest.fixture
def root(db: None) -> User:
    return make_person("root")


@pytest.fixture
def as_ada(ada: User) -> Client:
    return signed_in(ada)


@pytest.fixture
def as_cy(cy: User) -> Client:
    return signed_in(cy)


@pytest.fixture
def as_root(root: User) -> Client:
    return signed_in(root)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture(scope="module")
def worker(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A real worker that has shown that it works, for the tests of one module alone. Tests that use it belong to the xdist group `worker`."""
    folder = tmp_path_factory.mktemp("worker")
    with (
        django_db_blocker.unblock(),
        running.process(
            running.worker_command(), environment=database.environment(), log=folder / "worker.log"
        ) as child,
    ):
        beat.delay()

        def has_worked() -> bool:
            assert child.poll() is None, (folder / "worker.log").read_text()
            return Heartbeat.objects.exists()

        running.wait_for(has_worked, "the worker")
        Heartbeat.objects.all().delete()
        yield


@pytest.fixture(scope="session")
def web(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a real web process on the test database. Its tests belong to the xdist group `worker`."""
    log: Path = tmp_path_factory.mktemp("web") / "web.log"
    with django_db_blocker.unblock():
        environment = database.environment()
    with running.web(environment=environment, log=log) as address:
        yield address
