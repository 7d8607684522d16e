"""What is deployed and documented: containers that lint, commands that exist, no traces of a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from tests import system
from tests.running import ROOT


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines()]


def test_the_dockerfile_lints() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture
def compose(tmp_path: Path) -> Path:
    """A copy with dummy secrets beside it, where the file expects them."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    for secret in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["secrets"].values():
        path = tmp_path / secret["file"]
        path.parent.mkdir(exist_ok=True)
        path.write_text("dummy")
    return tmp_path


@pytest.mark.real_server("docker-compose")
def test_the_compose_file_is_valid(compose: Path) -> None:
    command = [str(system.program("docker-compose")), "config"]
    done = subprocess.run(command, cwd=compose, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert {"web", "worker", "beat"} <= set(services)
    for name in ("web", "worker", "beat"):
        assert services[name]["read_only"] is True, name
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()


def test_no_secret_stands_in_the_compose_file() -> None:
    for name, service in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].items():
        variables = service.get("environment") or {}
        pairs = variables.items() if isinstance(variables, dict) else (pair.split("=", 1) for pair in variables)
        for variable, value in pairs:
            secret = re.search(r"PASSWORD|SECRET|TOKEN", variable)
            assert not secret or variable.endswith("_FILE"), (name, variable, value)


def test_every_command_named_in_a_document_exists() -> None:
    known = set(get_commands())
    named: dict[str, str] = {}
    for path in [*tracked("*.md"), ROOT / "docker-compose.yml", ROOT / "Dockerfile"]:
        for command in re.findall(r"manage\.py[\"',]*[ \t]+[\"']?([a-z_]+)\b(?!\.)", path.read_text()):
            named[command] = path.name
    assert {command: path for command, path in named.items() if command not in known} == {}


def test_every_make_target_named_in_a_document_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in tracked("*.md"):
        for target in re.findall(r"`make ([a-z]+)`", path.read_text()):
            assert target in targets, (path.name, target)


HERE = re.compile(r"/(?:home|Users)/[a-z]+/|/(?:work|root)/")


def test_no_tracked_file_carries_a_path_of_a_machine() -> None:
    own = Path(__file__)
    texts = [path for path in tracked() if path != own and path.is_file() and path.suffix not in {".woff2", ".png"}]
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in texts
        if (match := HERE.search(path.read_text(errors="replace")))
    }
    assert found == {}


@pytest.mark.parametrize("name", ["requirements/run.txt", "requirements/dev.txt"])
def test_pins_carry_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    pins = re.findall(r"^[A-Za-z0-9_.\[\]-]+==[^\s;]+", text, re.MULTILINE)
    assert len(pins) > 20
    assert text.count("--hash=sha256:") >= len(pins)


@pytest.mark.parametrize("lock", ["frontend/package-lock.json", "tests/npm/package-lock.json"])
def test_npm_locks_carry_digests_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert '"integrity"' in text
    assert '"resolved"' not in text
