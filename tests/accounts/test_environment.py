"""A missing or malformed variable stops with its name and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.env import Environment, EnvironmentProblem


def problem(name: str, kind: str, value: str | None) -> str:
    environment = Environment({} if value is None else {name: value})
    reads = {
        "text": lambda: environment.text(name),
        "number": lambda: environment.number(name, 5, least=1, most=10),
        "words": lambda: environment.words(name, "a,b"),
        "choice": lambda: environment.choice(name, "WARNING", ("INFO", "WARNING")),
        "origin": lambda: environment.origin(name, "http://127.0.0.1"),
        "database": lambda: environment.database(name),
    }
    with pytest.raises(EnvironmentProblem) as stopped:
        reads[kind]()
    return str(stopped.value)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("text", None, "NAME: is not set; expected a value, or a path in NAME_FILE"),
        ("number", "many", "NAME: is 'many'; expected a whole number from 1 to 10"),
        ("number", "11", "NAME: is '11'; expected a whole number from 1 to 10"),
        ("number", "٣", "expected a whole number"),
        ("words", " , ", "NAME: holds nothing but commas"),
        ("choice", "loud", "NAME: is 'LOUD'; expected one of INFO, WARNING"),
        ("origin", "debrief.example.org", "expected an address such as https://debrief.example.org"),
        ("origin", "https://example.org/path", "expected an address such as"),
        ("database", "http://example.org", "expected an address such as postgresql://"),
        ("database", "postgresql://user@host", "names no database"),
    ],
)
def test_the_problem_names_the_variable_and_what_is_expected(kind: str, value: str | None, words: str) -> None:
    assert words in problem("NAME", kind, value)


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    assert Environment({"NAME_FILE": str(tmp_path / "secret")}).text("NAME") == "from a file"
    with pytest.raises(EnvironmentProblem, match="NAME_FILE: cannot read"):
        Environment({"NAME_FILE": str(tmp_path / "missing")}).text("NAME")
    with pytest.raises(EnvironmentProblem, match="set either NAME or NAME_FILE, not both"):
        Environment({"NAME": "a", "NAME_FILE": str(tmp_path / "secret")}).text("NAME")


def test_a_database_address_keeps_its_options() -> None:
    found = Environment({"URL": "postgresql://u:p%40@db:6432/debrief?sslmode=require"}).database("URL")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("u", "p@", "db", "6432")
    assert found["OPTIONS"] == {"sslmode": "require"}
