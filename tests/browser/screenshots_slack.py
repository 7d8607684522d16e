"""Pictures of an incident that was talked about in Slack, and of Slack's settings, for docs/images:
`python -m tests.browser.screenshots_slack`. Its people talk in the stand-in.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import pages
from tests.browser.screenshots import FOLDER, TALL
from tests.browser.stack import Demo, demo
from tests.running import wait_for
from tests.stand_ins.slack import SlackStandIn
from tests.system import chromium_arguments, chromium_path

PICTURES = {
    "slack-incident": ("/incidents/3/", TALL, "light"),
    "slack-incident-phone": ("/incidents/3/", pages.PHONE, "dark"),
    "slack-settings": ("/settings/slack/", pages.DESKTOP, "light"),
}


def talk(slack: SlackStandIn) -> None:
    """The night, as far as it was talked about."""
    slack.person("mia", "Mia Novak", email="mia@elsewhere.example")
    slack.command("ada", "new Payments answer 502 since the rollout")
    wait_for(lambda: slack.modal("ada"), "the form")
    slack.submit("ada", {"summary": "The gateway shows upstream resets. payments 2.3.1 went out at 06:31."})
    channels = slack.workspace.channels
    name = wait_for(lambda: next((one.name for one in channels.values() if one.name.startswith("inc-3-")), ""), "it")
    wait_for(lambda: slack.workspace.find_channel(name).pins, "the headline", seconds=60)
    for who in ("ben", "mia"):
        slack.join(who, name)
    ada = slack.workspace.find_user("ada").id
    words = f"Rolled *payments* back to `2.3.0`, <@{ada}> please watch the queue."
    slack.react("ada", name, slack.say("ben", name, words), "pushpin")
    slack.pin("ben", name, slack.say("mia", name, "> customers see a white page\nsame for our shop in Oslo"))
    graph = slack.file("error-rate.png", (FOLDER / "incident.png").read_bytes(), mimetype="image/png")
    slack.pin("ada", name, slack.upload("ben", name, graph, "error rate"))
    wrong = slack.say("ben", name, "the queue is empty again")
    slack.pin("ada", name, wrong)
    slack.edit("ben", name, wrong, "the queue is down to 1,000")
    slack.wait_sent()
    slack.command("ada", "update We rolled back; payments recover. Next look in 30 minutes.", where=name)
    slack.command("ada", "mitigated", where=name)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, SlackStandIn() as slack, sync_playwright() as playwright:
        given = slack.settings()
        del given["SLACK_APP_TOKEN"]
        os.environ |= given
        with demo(Path(folder) / "data") as stack:
            slack.app = stack.address
            talk(slack)
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_arguments())
            _take(stack, browser)
            browser.close()


def _take(stack: Demo, browser: Browser) -> None:
    context = pages.signed_in(browser, stack.manage("sign_in_link", "admin"))
    state = context.storage_state()
    tab = context.new_page()
    tab.goto(f"{stack.address}/incidents/3/")
    tab.wait_for_timeout(15_000)
    context.close()
    for name, (page, size, theme) in PICTURES.items():
        one = browser.new_context(storage_state=state, viewport=size, color_scheme=theme, timezone_id="UTC")
        tab = one.new_page()
        tab.goto(stack.address + page, wait_until="networkidle")
        tab.wait_for_function("() => !document.querySelector('.glance-room, .htmx-request')")
        tab.screenshot(path=FOLDER / f"{name}.png")
        one.close()


if __name__ == "__main__":
    main()
