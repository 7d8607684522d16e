"""The accessibility scan: the committed axe-core, pinned by its digest, run in a page."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "vendor" / "axe.min.js"
DIGEST = "e9e5863c33a874f09bc01acd9234b7e3c871479f5eef8802fa582544465e6d01"
RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations.map(rule => ({
    id: rule.id, impact: rule.impact, help: rule.help,
    nodes: rule.nodes.slice(0, 5).map(node => node.target.join(" ") + " | " + (node.any[0] || {message: ""}).message),
  }));
}"""


@lru_cache(maxsize=1)
def _script() -> str:
    body = SCRIPT.read_bytes()
    if hashlib.sha256(body).hexdigest() != DIGEST:
        raise RuntimeError(f"{SCRIPT.name}: its sha256 is not the one of axe-core 4.11.0")
    return body.decode()


def findings(tab: Any) -> list[dict[str, Any]]:
    """Violated rules of the page as it stands: id, impact, help, nodes."""
    tab.evaluate(_script())
    found: list[dict[str, Any]] = tab.evaluate(RUN)
    return found


def grave(found: list[dict[str, Any]]) -> list[str]:
    """Those that keep somebody out, one line each."""
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {'; '.join(rule['nodes'])}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]
