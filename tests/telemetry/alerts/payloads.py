"""Bodies of webhooks as their senders document them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "payloads"


def body_of(kind: str, name: str) -> Any:
    return json.loads((FOLDER / kind / f"{name}.json").read_text())
