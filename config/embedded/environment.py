"""`python -m config.embedded.environment`: the settings under which manage.py reaches a running embedded stack."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

from config.embedded.postgres import EmbeddedPostgres
from config.embedded.processes import StartProblem


def main() -> None:
    base_dir = Path(__file__).resolve().parents[2]
    data_dir = Path(os.environ.get("DEBRIEF_DATA_DIR") or base_dir / ".debrief").resolve()
    if not (data_dir / "postgres-password").exists():
        raise StartProblem(f"{data_dir} holds no embedded stack; start one with make run, or set DEBRIEF_DATA_DIR")
    password = (data_dir / "postgres-password").read_text().strip()
    sockets = EmbeddedPostgres(data_dir).home / "socket"
    lines = {
        "DATABASE_URL": f"postgresql://debrief:{password}@/debrief?host={quote(str(sockets.resolve()), safe='')}",
        "SECRET_KEY": (data_dir / "secret-key").read_text().strip(),
        "DEBRIEF_DATA_DIR": str(data_dir),
    }
    for name, value in lines.items():
        sys.stdout.write(f"{name}='{value}'\n")


if __name__ == "__main__":
    main()
