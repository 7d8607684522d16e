"""The embedded stack seen from outside: it starts, refuses clearly, stops whole, and comes back after anything."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests import running

pytestmark = pytest.mark.xdist_group("embedded")
DROPPED = ("DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBRIEF_TEST_SERVER", "TEST_DATABASE_URL")


class Stack:
    """`python -m config.embedded` on a data directory of its own, and everything that it started."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = running.free_port()
        self.process: subprocess.Popen[str] | None = None
        self.family: list[psutil.Process] = []

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
        own = {"PORT": str(self.port), "DEBRIEF_DATA_DIR": str(self.data_dir), "WORKER_PROCESSES": "2"}
        return kept | own | more

    def begin(self, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "config.embedded"],
            cwd=running.ROOT,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start(self) -> str:
        """What it printed when it was up."""
        self.process = self.begin()
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline(), self.process.stdout.readline()]
        printed = "".join(lines)
        assert "Debrief runs on" in printed, printed + self.process.stdout.read()
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        return printed

    def refusal(self, **more: str) -> str:
        """What a start that is refused says, after it has ended."""
        process = self.begin(**more)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        return said

    def alive(self) -> list[str]:
        """Of the family as it was, and of whatever else works on this data directory."""
        names = []
        for process in [*self.family, *self.strays()]:
            with suppress(psutil.NoSuchProcess):
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    names.append(" ".join(process.cmdline()[:4]))
        return names

    def strays(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("DEBRIEF_DATA_DIR") == str(self.data_dir):
                    found.append(process)
        return [process for process in found if self.process is None or process.pid != self.process.pid]

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.communicate()
        running.wait_for(lambda: not self.alive(), "the end of every process", 20)

    def manage(self, *arguments: str) -> str:
        socket = self.data_dir / "postgres" / "socket"
        password = (self.data_dir / "postgres-password").read_text().strip()
        environment = self.environment(
            DATABASE_URL=f"postgresql://debrief:{password}@/debrief?host={socket}",
            SECRET_KEY=(self.data_dir / "secret-key").read_text().strip(),
        )
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=running.ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def stack() -> Iterator[Stack]:
    home = Path(tempfile.mkdtemp(prefix="debrief-stack-"))
    home.chmod(0o755)
    made = Stack(home / "data")
    yield made
    made.end()
    shutil.rmtree(home, ignore_errors=True)


def sign_in(client: httpx.Client, printed: str) -> httpx.Response:
    """With the printed link, as a browser does."""
    found = re.search(r"http://\S+/sign-in/\S+", printed)
    assert found is not None, printed
    client.get(found[0])
    return client.post(found[0], data={"csrfmiddlewaretoken": client.cookies["csrftoken"]})


def test_it_starts_refuses_a_second_start_and_stops_whole(stack: Stack) -> None:
    printed = stack.start()
    with httpx.Client(follow_redirects=True) as client:
        assert sign_in(client, printed).status_code == 200
        assert client.get(f"{stack.address}/settings/audit/").status_code == 200
    with httpx.Client(follow_redirects=True) as another:
        assert sign_in(another, printed).status_code == 410
    ready = httpx.get(f"{stack.address}/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "failed": {}})

    second = stack.refusal(PORT=str(running.free_port()))
    assert f"already running on {stack.data_dir}" in second
    assert "set DEBRIEF_DATA_DIR" in second
    assert httpx.get(f"{stack.address}/healthz").status_code == 200

    kinds = " ".join(stack.alive())
    assert all(part in kinds for part in ("uvicorn", "celery", "postgres"))
    assert stack.process is not None
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(30) == 0
    assert stack.alive() == []


def test_a_task_is_worked_and_its_row_survives_kill_9_of_everything(stack: Stack) -> None:
    stack.start()
    token = stack.manage("create_token", "admin").strip()
    headers = {"Authorization": f"Bearer {token}"}
    body = {"title": "Declared before the crash", "severity": "SEV3"}
    assert httpx.post(f"{stack.address}/api/v1/incidents/", json=body, headers=headers).status_code == 201
    assert stack.process is not None
    for process in [psutil.Process(stack.process.pid), *stack.family]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    stack.end()

    begun = time.monotonic()
    printed = stack.start()
    assert time.monotonic() - begun < 30
    assert f"Debrief runs on {stack.address}" in printed
    rows = httpx.get(f"{stack.address}/api/v1/incidents/", headers=headers).json()["results"]
    assert [row["title"] for row in rows] == ["Declared before the crash"]
    assert httpx.post(f"{stack.address}/api/v1/incidents/", json=body, headers=headers).json()["number"] == 2


def test_kill_9_of_the_supervisor_leaves_no_process_behind(stack: Stack) -> None:
    stack.start()
    assert stack.process is not None
    stack.process.kill()
    stack.process.wait()
    running.wait_for(lambda: not stack.alive(), "the end of every process", 10)


def test_a_port_in_use_is_said_in_one_line(stack: Stack) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stack.port))
        taken.listen()
        said = stack.refusal()
    assert f"debrief: port {stack.port} is in use; stop what uses it, or set PORT" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_a_malformed_port_is_said_in_one_line(stack: Stack, port: str) -> None:
    said = stack.refusal(PORT=port)
    assert said.strip().splitlines()[-1] == f"debrief: PORT: is {port!r}; expected a whole number from 1 to 65535"


def test_a_data_directory_that_is_a_file_is_said_in_one_line(stack: Stack) -> None:
    stack.data_dir.write_text("not a directory")
    said = stack.refusal()
    assert f"DEBRIEF_DATA_DIR {stack.data_dir} cannot be used" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY: is too short"),
        ({"BASE_URL": "example.org"}, "BASE_URL: is 'example.org'; expected an address"),
        ({"CELERY_BROKER_URL": "sqs://x"}, "CELERY_BROKER_URL: expected redis://"),
        ({"COLLECT_AGAIN_SECONDS": "often"}, "COLLECT_AGAIN_SECONDS: is 'often'; expected a whole number"),
    ],
)
def test_a_malformed_variable_stops_the_start_with_its_name(stack: Stack, more: dict[str, str], words: str) -> None:
    said = stack.refusal(**more)
    assert words in said
    assert "Traceback" not in said


UNREADABLE = """
import os, sys
from pathlib import Path
from config.embedded.stack import Stack
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
Stack(data_dir=Path(sys.argv[1]), port=1, base_dir=Path())._claim_data_dir()
"""


def test_an_unreadable_data_directory_is_said_in_one_line(stack: Stack) -> None:
    """Root reads everything, so it becomes nobody first."""
    stack.data_dir.mkdir(mode=0o000)
    command = [sys.executable, "-c", UNREADABLE, str(stack.data_dir)]
    done = subprocess.run(command, cwd=running.ROOT, capture_output=True, text=True, check=False)
    stack.data_dir.chmod(0o700)
    assert done.stderr.strip() == f"debrief: DEBRIEF_DATA_DIR {stack.data_dir} cannot be used: Permission denied"
