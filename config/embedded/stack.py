"""The whole stack under one roof: database, broker, web, worker, beat and recorder, started and stopped together."""

from __future__ import annotations

import fcntl
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import IO

from config.embedded.postgres import EmbeddedPostgres
from config.embedded.processes import StartProblem, spawn, stop

ROOM_NEEDED = 300 * 1024 * 1024
RESTART_PAUSE = 2.0
CHATS = ("SLACK_BOT_TOKEN", "TEAMS_WEBHOOK_URL", "MATTERMOST_WEBHOOK_URL")
TALKING = (*CHATS, "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_API_URL")


class Stack:
    """Owns the data directory from `start` to `stop`. Everything it starts dies with it."""

    def __init__(self, *, data_dir: Path, port: int, base_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = port
        self.base_dir = base_dir
        self.env = dict(os.environ)
        self.lock: IO[str] | None = None
        self.postgres: EmbeddedPostgres | None = None
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = threading.Event()
        self.parent = os.getppid()

    def start(self) -> str:
        """Bring everything up; returns what `manage.py bootstrap` printed (the one-time sign-in link, if any)."""
        self._claim_data_dir()
        self._check_port()
        if not (self.env.get("SECRET_KEY") or self.env.get("SECRET_KEY_FILE")):
            self.env["SECRET_KEY"] = self._secret("secret-key")
        self.env |= {
            "DEBRIEF_DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        if not (self.env.get("DATABASE_URL") or self.env.get("DATABASE_URL_FILE")):
            self.postgres = EmbeddedPostgres(self.data_dir)
            self.env["DATABASE_URL"] = self.postgres.start()
        self._write_environment()
        printed = self.manage("bootstrap")
        for name in self._wanted():
            self.children[name] = self._spawn(name)
        self._wait_until_ready()
        return printed

    def _wanted(self) -> list[str]:
        """With a chat configured also a worker for talking alone, with an app token Slack's socket."""
        chats = any(self._is_given(name) for name in CHATS)
        sockets = self._is_given("SLACK_BOT_TOKEN") and self._is_given("SLACK_APP_TOKEN")
        return ["web", "worker", *(["chat"] if chats else []), *(["slack"] if sockets else []), "beat", "recorder"]

    def _is_given(self, name: str) -> bool:
        return bool(self.env.get(name) or self.env.get(f"{name}_FILE"))

    def _write_environment(self) -> None:
        """What manage.py reads to reach this stack (config.env.adopt_embedded_stack); only its owner may."""
        names = (
            "DATABASE_URL",
            "SECRET_KEY",
            "CREDENTIAL_KEYS",
            "BASE_URL",
            "PORT",
            "DEBRIEF_DATA_DIR",
            "CELERY_BROKER_URL",
            *(f"{name}{ending}" for name in TALKING for ending in ("", "_FILE")),
        )
        lines = [f"export {name}={shlex.quote(self.env[name])}\n" for name in names if self.env.get(name)]
        path = self.data_dir / "environment"
        path.touch(mode=0o600)
        path.write_text("".join(lines))

    def watch(self) -> None:
        """Until Ctrl-C or SIGTERM: restart what ends, and stop if the database does."""
        ended_at: dict[str, float] = {}
        while not self.stopping.wait(0.5):
            if os.environ.get("DEBRIEF_STOP_WITH_PARENT") and os.getppid() != self.parent:
                return
            if self.postgres and self.postgres.process and self.postgres.process.poll() is not None:
                raise StartProblem(f"the database stopped by itself; see {self.postgres.log}")
            for name, child in self.children.items():
                if child.poll() is None:
                    continue
                if name not in ended_at:
                    ended_at[name] = time.monotonic()
                    print(f"debrief: {name} ended with {child.returncode}, starting it again", file=sys.stderr)
                elif time.monotonic() - ended_at[name] > RESTART_PAUSE:
                    del ended_at[name]
                    self.children[name] = self._spawn(name)

    def stop(self) -> None:
        """Everybody is asked at once; the database goes when nobody is left who needs it."""
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        for child in self.children.values():
            stop(child, patience=15)
        if self.postgres:
            self.postgres.stop()
        if self.lock:
            self.lock.close()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def _claim_data_dir(self) -> None:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            (self.data_dir / "logs").mkdir(exist_ok=True)
            self.lock = (self.data_dir / "lock").open("a+")
            if (free := shutil.disk_usage(self.data_dir).free) < ROOM_NEEDED:
                raise StartProblem(f"{self.data_dir} has {free // 2**20} MiB free; expected at least 300 MiB")
        except OSError as problem:
            raise StartProblem(f"DEBRIEF_DATA_DIR {self.data_dir} cannot be used: {problem.strerror}") from None
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.seek(0)
            owner = self.lock.read().strip() or "unknown"
            raise StartProblem(
                f"already running on {self.data_dir} (process {owner}); stop it first, or set DEBRIEF_DATA_DIR"
            ) from None
        self.lock.truncate(0)
        self.lock.write(str(os.getpid()))
        self.lock.flush()

    def _check_port(self) -> None:
        """Waits a moment for a web process of a killed start that is just going away."""
        for attempt in range(20):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", self.port))
                    return
                except OSError:
                    if attempt == 19:
                        raise StartProblem(f"port {self.port} is in use; stop what uses it, or set PORT") from None
            time.sleep(0.1)

    def _secret(self, name: str) -> str:
        path = self.data_dir / name
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text().strip()

    def manage(self, *arguments: str, given: str | None = None) -> str:
        """Run a manage.py command to its end; `given` is its standard input."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, str(self.base_dir / "manage.py"), *arguments],
            env=self.env,
            input=given,
            cwd=self.base_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise StartProblem(f"manage.py {arguments[0]} failed: {lines[-1] if lines else done.returncode}")
        return done.stdout

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        log_level = self.env.get("LOG_LEVEL", "WARNING")
        celery = [sys.executable, "-m", "celery", "--app", "config", "--quiet"]
        chat = ["--queues", "chat", "--concurrency", "3", "--hostname", "chat@%h"]
        commands: dict[str, list[str]] = {
            "web": [
                *[sys.executable, "-m", "uvicorn", "config.asgi:application"],
                *["--host", self.env.get("DEBRIEF_HOST", "127.0.0.1"), "--port", str(self.port)],
                *["--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"],
                *["--lifespan", "off", "--limit-concurrency", "400"],
                *["--ws", "websockets-sansio", "--ws-max-size", "2097152"],
            ],
            "worker": [
                *[*celery, "worker", "--loglevel", log_level, "--pool", "prefork"],
                *["--concurrency", self.env.get("WORKER_PROCESSES", "14")],
                *["--without-gossip", "--without-mingle"],
            ],
            "chat": [
                *[*celery, "worker", "--loglevel", log_level, "--pool", "prefork", *chat],
                *["--without-gossip", "--without-mingle"],
            ],
            "slack": [sys.executable, str(self.base_dir / "manage.py"), "slack_socket"],
            "beat": [
                *[*celery, "beat", "--loglevel", log_level, "--pidfile="],
                *["--schedule", str(self.data_dir / "beat-schedule")],
            ],
            "recorder": [sys.executable, str(self.base_dir / "manage.py"), "recorder"],
        }
        os.chdir(self.base_dir)
        with (self.data_dir / "logs" / f"{name}.log").open("ab") as output:
            return spawn(commands[name], env=self.env, output=output)

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and not self.stopping.is_set():
            if self.children["web"].poll() is not None:
                log = self.data_dir / "logs" / "web.log"
                last = (log.read_text(errors="replace").strip().splitlines() or ["no output"])[-1]
                raise StartProblem(f"the web process did not start: {last}")
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)


def handle_signals(stack: Stack) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stack.on_signal)
