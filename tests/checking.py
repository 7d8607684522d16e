"""Runs mypy or a manage.py command with settings that need no database: `python -m tests.checking mypy`."""

import os
import subprocess
import sys

ENVIRONMENT = {
    "SECRET_KEY": "only-for-checking-only-for-checking-only",
    "DATABASE_URL": "postgresql://nobody@localhost:1/none",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
PACKAGES = ["config", "accounts", "telemetry", "incidents", "knowledge"]


def main() -> None:
    command, *arguments = sys.argv[1:]
    line = ["mypy", *PACKAGES] if command == "mypy" else ["manage.py", command, *arguments]
    line = ["-m", *line] if command == "mypy" else line
    sys.exit(subprocess.run([sys.executable, *line], env={**os.environ, **ENVIRONMENT}, check=False).returncode)


if __name__ == "__main__":
    main()
