"""The committed bundle belongs to its sources, and the templates use only what it holds."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "static" / "debrief"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# An exported file carries its style with it; pages get theirs from the bundle.
PAGES = [path for path in TEMPLATES if path.parent.name != "exports"]
TAGS = sorted((ROOT / "accounts" / "templatetags").glob("*.py"))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_bundle_belongs_to_its_sources() -> None:
    ran = subprocess.run([sys.executable, ROOT / "frontend" / "check.py"], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.returncode == 0


def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    for name in ("frontend/check.py", "frontend/js/keys.js", "static/debrief/manifest.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "frontend/js/keys.js").write_text("// other")
    check = tmp_path / "frontend" / "check.py"
    ran = subprocess.run([sys.executable, check], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "source js/keys.js: changed" in ran.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "frontend" / "js").glob("*.js")), ids=shown)
def test_a_module_has_at_most_a_hundred_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 100


def test_the_lock_file_names_no_address() -> None:
    assert "http" not in (ROOT / "frontend" / "package-lock.json").read_text()


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_template_has_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", [*TEMPLATES, *TAGS], ids=shown)
def test_every_icon_that_is_named_is_in_the_sprite(path: Path) -> None:
    sprite = set(re.findall(r'id="i-([\w-]+)"', (BUNDLE / "icons.svg").read_text()))
    text = path.read_text()
    named = re.findall(r'{% icon "([\w-]+)"', text) + re.findall(r'symbol="([\w-]+)"', text)
    if path.name == "words.py":
        named += re.findall(r'\("(?:[\w-]*)", "([\w-]+)", "[A-Z]', text)
    assert set(named) - sprite == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=shown)
def test_every_class_that_is_written_out_has_a_rule_or_a_script(path: Path) -> None:
    styled = set(re.findall(r"\.((?:\\.|[\w-])+)", (BUNDLE / "debrief.css").read_text()))
    styled = {name.replace("\\", "") for name in styled}
    scripted = "".join(script.read_text() for script in (ROOT / "frontend" / "js").glob("*.js"))
    used = set()
    for value in re.findall(r'class="([^"]*)"', re.sub(r"{#.*?#}", "", path.read_text())):
        branches = re.sub(r"{% (?:if|elif|else|endif|block|endblock)\b.*?%}", " ", value)
        plain = re.sub(r"\S*{%.*?%}\S*|\S*{{.*?}}\S*", " ", branches)
        used |= {word for word in plain.split() if re.fullmatch(r"[A-Za-z][\w-]*[\w]", word)}
    assert {name for name in used - styled if name not in scripted} == set()


def test_the_editor_stays_small_and_is_loaded_on_its_own_page_alone() -> None:
    bundle = (BUNDLE / "editor.js").read_bytes()
    assert len(gzip.compress(bundle, 9)) <= 250_000
    pages = [path.name for path in (ROOT / "templates").rglob("*.html") if "editor.js" in path.read_text()]
    assert pages == ["postmortem_edit.html"]
