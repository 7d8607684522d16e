"""What the clock asks for is there."""

from __future__ import annotations

from config.celery import app


def test_every_task_of_the_clock_is_known_to_the_worker() -> None:
    app.loader.import_default_modules()
    wanted = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert "incidents.alerting.watch_signals" in wanted
    assert wanted <= set(app.tasks)
