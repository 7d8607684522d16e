"""manage.py finds a running embedded stack by itself."""

from pathlib import Path

from config.env import adopt_embedded_stack

WRITTEN = "export DATABASE_URL='host=/x dbname=debrief password='\"'\"'q'\"'\"''\nexport SECRET_KEY=abc\n"


def test_settings_left_by_the_stack_are_taken_where_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / ".debrief").mkdir()
    (tmp_path / ".debrief" / "environment").write_text(WRITTEN)
    values = {"SECRET_KEY": "my own"}
    adopt_embedded_stack(tmp_path, values)
    assert values == {"DATABASE_URL": "host=/x dbname=debrief password='q'", "SECRET_KEY": "my own"}


def test_a_named_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".debrief").mkdir()
    (tmp_path / ".debrief" / "environment").write_text(WRITTEN)
    values = {"DATABASE_URL_FILE": "/run/secrets/database_url"}
    adopt_embedded_stack(tmp_path, values)
    assert values == {"DATABASE_URL_FILE": "/run/secrets/database_url"}


def test_without_a_stack_nothing_is_taken(tmp_path: Path) -> None:
    values: dict[str, str] = {}
    adopt_embedded_stack(tmp_path, values)
    assert values == {}
