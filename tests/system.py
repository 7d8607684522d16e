"""The programs of the system that the tests drive: installed on Debian and Ubuntu, named elsewhere.

`python -m tests.system` installs them. The real-server tests ask `program()`; where one is missing they are
left out by name, except with CI=true, where nothing may be left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "chromium": "chromium",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "victoria-metrics": "victoria-metrics",
    "docker-compose": "docker-compose",
    "loimpress": "libreoffice-impress",
    "lowriter": "libreoffice-writer",
}


def program(name: str) -> str | None:
    """Its path: one of the system, else one that a package brought along beside Python itself."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def main() -> None:
    missing = [package for name, package in PACKAGES.items() if program(name) is None]
    if not missing:
        return
    if shutil.which("apt-get") and _may_install():
        print(f"debrief: installing {', '.join(missing)} for the tests", file=sys.stderr)
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run([*prefix, "apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(
            [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=False, **quiet
        )
        missing = [package for name, package in PACKAGES.items() if program(name) is None]
    if "chromium" in missing:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if missing:
        print(
            f"debrief: not on this machine: {', '.join(missing)}. The tests that need them are left out.",
            file=sys.stderr,
        )
        if in_ci():
            sys.exit("debrief: with CI=true nothing may be left out")


def _may_install() -> bool:
    if os.geteuid() == 0:
        return True
    return bool(shutil.which("sudo")) and subprocess.run(["sudo", "-n", "true"], check=False).returncode == 0


def chromium_arguments() -> list[str]:
    """Headless Chromium that asks nobody outside for anything."""
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return ["--disable-gpu", "--disable-quic", *quiet, *sandbox]


def chromium_path() -> Path | None:
    found = program("chromium") or program("chromium-browser")
    return Path(found) if found else None


if __name__ == "__main__":
    main()
