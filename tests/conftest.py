"""A real PostgreSQL for the whole run, a database for each worker, sockets for loopback alone."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

import django
import pytest
from psycopg.conninfo import conninfo_to_dict

from config.embedded.postgres import EmbeddedPostgres
from tests import system

SERVER: dict[str, Any] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Once, in the process that leads: its workers inherit the address. Settings cannot be read before."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    os.environ.setdefault("SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests")
    os.environ["ALLOWED_HOSTS"] = "testserver,127.0.0.1,localhost"
    os.environ.setdefault("TEST_DATABASE_URL", os.environ.get("DATABASE_URL", ""))
    if not hasattr(config, "workerinput") and not os.environ.get("DEBRIEF_TEST_SERVER"):
        _start_server()
    # The fixtures import models, which need settings, which need the address.
    django.setup()
    config.pluginmanager.import_plugin("tests.fixtures")
    config.pluginmanager.import_plugin("tests.installation")
    config.pluginmanager.import_plugin("tests.incidents.writing.fixtures")
    config.pluginmanager.import_plugin("tests.incidents.slack.fixtures")


def _start_server() -> None:
    home = Path(tempfile.mkdtemp(prefix="debrief-tests-"))
    home.chmod(0o755)
    server = EmbeddedPostgres(home)
    address = conninfo_to_dict(server.start())
    os.environ["DATABASE_URL"] = (
        f"postgresql://{address['user']}:{address['password']}@/{address['dbname']}?host={address['host']}"
    )
    os.environ["DEBRIEF_TEST_SERVER"] = str(home)
    SERVER.update(server=server, home=home)


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVER:
        SERVER["server"].stop()
        shutil.rmtree(SERVER["home"], ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests share a stack, so one worker runs them all."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Real-server tests say which program they need: `@pytest.mark.real_server("prometheus")`."""
    marker = item.get_closest_marker("real_server")
    missing = [name for name in (marker.args if marker else ()) if system.program(name) is None]
    if missing and not system.in_ci():
        pytest.skip(f"{', '.join(missing)} is not on this machine")


_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    if self.family in {socket.AF_INET, socket.AF_INET6}:
        host = address[0]
        try:
            local = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            local = False
        if not local:
            raise ConnectionRefusedError(f"tests reach loopback alone, not {host}")
    return _connect(self, address)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)
