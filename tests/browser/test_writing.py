"""The post-mortem from its draft to the page that people read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import pages
from tests.browser.cable import Cable, cable_to
from tests.browser.conftest import OpenTab
from tests.browser.stack import Demo
from tests.browser.test_incident import all_answered, declare
from tests.browser.writing import FIELD, TEXT, fill, joined, open_editor, saved, text_of
from tests.running import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
FORGET_SESSION = "from django.contrib.sessions.models import Session; Session.objects.get(pk='{}').delete()"


def port_of(stack: Demo) -> int:
    return int(stack.address.rsplit(":", 1)[1])


def test_typing_is_saved_by_itself_and_shown_beside(ada: Page, outage: int) -> None:
    open_editor(ada, outage)
    ada.locator(TEXT).press("Control+End")
    ada.keyboard.type("\n\nThe **pager** was loud.")
    expect(ada.locator("[data-preview] strong", has_text="pager")).to_be_visible()
    saved(ada)
    ada.reload()
    joined(ada)
    assert text_of(ada).rstrip().endswith("The **pager** was loud.")


def test_two_people_see_each_other_and_undo_takes_back_only_ones_own(tab_of: OpenTab, outage: int) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    for tab in (ada, ben):
        open_editor(tab, outage)
    expect(ada.locator("[data-present]")).to_contain_text("2 here")
    ada.locator(TEXT).press("Control+End")
    ada.keyboard.type(" Ada was here.")
    wait_for(lambda: "Ada was here." in text_of(ben), "Ben has it")
    ben.locator(TEXT).press("Control+End")
    ben.keyboard.type(" Ben was here.")
    expect(ada.locator(".cm-caret-name", has_text="Ben")).to_be_visible()
    wait_for(lambda: text_of(ada) == text_of(ben) and "Ben was here." in text_of(ada), "both have both")
    ada.locator(TEXT).press("Control+z")
    wait_for(lambda: "Ada was here" not in text_of(ben), "Ada's words are gone")
    assert text_of(ada).endswith(" Ben was here.")
    ben.locator(TEXT).press("Control+z")
    wait_for(lambda: "Ben was here" not in text_of(ada), "Ben's words are gone")


@pytest.fixture
def cable(stack: Demo) -> Iterator[Cable]:
    with cable_to(stack.address) as plugged:
        yield plugged


def test_what_is_typed_offline_is_said_to_be_unsaved_and_merges_on_return(
    tab_of: OpenTab, outage: int, stack: Demo, cable: Cable
) -> None:
    ada, ben = tab_of("ada", base_url=cable.address), tab_of("ben")
    for tab in (ada, ben):
        open_editor(tab, outage)
    cable.pull()
    ada.locator(TEXT).press("Control+End")
    ada.keyboard.type(" Typed in a tunnel.")
    expect(ada.locator("[data-saved]")).to_contain_text("it is kept in this browser")
    ben.locator(TEXT).press("Control+Home")
    ben.keyboard.type("Meanwhile. ")
    saved(ben)
    cable.plug_into(port_of(stack))
    wait_for(lambda: text_of(ada) == text_of(ben) and "tunnel" in text_of(ben), "both have both")
    assert text_of(ben).startswith("Meanwhile. ")
    saved(ada)


def test_what_was_not_saved_when_the_tab_closed_comes_back(
    tab_of: OpenTab, outage: int, stack: Demo, cable: Cable
) -> None:
    ada = tab_of("ada", base_url=cable.address)
    open_editor(ada, outage)
    cable.pull()
    ada.locator(TEXT).press("Control+End")
    ada.keyboard.type(" Closed too early.")
    expect(ada.locator("[data-saved]")).to_contain_text("it is kept in this browser")
    context = ada.context
    ada.close(run_before_unload=False)
    cable.plug_into(port_of(stack))
    again = context.new_page()
    open_editor(again, outage)
    expect(again.locator("[data-notice]")).to_contain_text("earlier visit")
    assert "Closed too early." in text_of(again)
    saved(again)


def test_who_was_signed_out_while_typing_goes_on_after_signing_in(stack: Demo, chromium: Browser, outage: int) -> None:
    context = pages.signed_in(chromium, stack.manage("sign_in_link", "ben"), base_url=stack.address)
    tab = context.new_page()
    open_editor(tab, outage)
    session = next(cookie for cookie in context.cookies() if cookie.get("name") == "sessionid")
    stack.manage("shell", "-v", "0", "-c", FORGET_SESSION.format(session.get("value")))
    tab.locator(TEXT).press("Control+End")
    tab.keyboard.type(" Before the end.")
    expect(tab.locator("[data-saved]")).to_contain_text("You were signed out", timeout=30_000)
    tab.keyboard.type(" After the end.")
    door = context.new_page()
    door.goto(stack.manage("sign_in_link", "ben"))
    door.get_by_role("button", name="Sign in").click()
    door.wait_for_load_state()
    saved(tab)
    tab.reload()
    joined(tab)
    assert "Before the end. After the end." in text_of(tab)
    context.close()


def test_without_a_socket_the_form_saves_by_itself(tab_of: OpenTab, outage: int) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    ada.route_web_socket("**/postmortem/socket/", lambda socket: socket.close())
    ada.goto(f"/incidents/{outage}/postmortem/edit/")
    field = ada.locator(FIELD)
    field.press("Control+End")
    ada.keyboard.type("\n\nNo socket here.")
    saved(ada)
    open_editor(ben, outage)
    assert "No socket here." in text_of(ben)
    ben.locator(TEXT).press("Control+Home")
    ben.keyboard.type("Ben on top. ")
    saved(ben)
    field.press("Control+End")
    ada.keyboard.type(" And merged.")
    wait_for(lambda: field.input_value().startswith("Ben on top. "), "what Ben wrote came with the save")
    assert "No socket here. And merged." in field.input_value()


def test_what_cannot_be_merged_without_a_socket_is_shown_side_by_side(tab_of: OpenTab) -> None:
    ada, ben = tab_of("ada"), tab_of("ben")
    number = declare(ada, "Two people write")
    all_answered(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    ada.route_web_socket("**/postmortem/socket/", lambda socket: socket.close())
    ada.reload()
    open_editor(ben, number)
    fill(ben, "## Summary\n\nWhat Ben knows.\n")
    saved(ben)
    ada.locator(FIELD).fill("## Summary\n\nWhat Ada knows.\n")
    banner = ada.locator("[data-conflict]")
    expect(banner).to_contain_text("Ben Lindqvist saved this text")
    assert "What Ada knows." in ada.locator(FIELD).input_value()
    banner.get_by_role("button", name="Compare and merge").click()
    dialog = ada.get_by_role("dialog", name="Compare and merge")
    expect(dialog.locator("[data-theirs]")).to_contain_text("What Ben knows.")
    expect(dialog.get_by_label("Your text")).to_have_value(re.compile("What Ada knows"))
    dialog.get_by_label("Your text").fill("## Summary\n\nWhat Ada knows. What Ben knows.\n")
    dialog.get_by_role("button", name="Save my text").click()
    saved(ada)
    wait_for(lambda: "What Ada knows. What Ben knows." in text_of(ben), "Ben's editor has it")


def test_a_text_that_a_program_sent_is_compared_in_the_browser(tab_of: OpenTab, stack: Demo, outage: int) -> None:
    ada = tab_of("ada")
    open_editor(ada, outage)
    token = stack.manage("create_token", "ben", "--scope", "write", "--name", "program").strip()
    api = httpx.Client(base_url=stack.address, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    listed = api.get("/api/v1/postmortems/", params={"incident__number": outage}).json()["results"][0]
    seen = api.get(f"/api/v1/postmortems/{listed['id']}/")
    first = seen.json()["body"].split("\n")[0]
    ada.locator(TEXT).press("Control+Home")
    ada.keyboard.press("Shift+End")
    ada.keyboard.type("## What Ada calls it")
    saved(ada)
    body = seen.json()["body"].replace(first, "## What the program calls it", 1)
    refused = api.patch(
        f"/api/v1/postmortems/{listed['id']}/", json={"body": body}, headers={"If-Match": seen.headers["ETag"]}
    )
    assert refused.status_code == 412
    ada.get_by_role("link", name="Compare and merge").click()
    expect(ada.get_by_role("heading", name="Two versions of the text")).to_be_visible()
    ada.locator("fieldset", has_text="What the program").get_by_label("Take the other").check()
    ada.get_by_role("button", name="Save what I chose").click()
    joined(ada)
    assert text_of(ada).startswith("## What the program calls it")
    expect(ada.locator("[data-asides] .note")).to_have_count(0)
    api.close()


def test_publishing_asks_first_and_publishes_the_text_on_the_screen(ada: Page) -> None:
    number = declare(ada, "Published by hand")
    all_answered(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    joined(ada)
    fill(ada, "## Summary\n\nThe probe waited for the database.\n\n## Impact\n\nNobody paid.\n")
    ada.get_by_role("button", name="Publish").click()
    question = ada.locator("#confirm")
    expect(question).to_contain_text("Published by hand")
    question.get_by_role("button", name="Publish").click()
    ada.wait_for_url(f"**/incidents/{number}/postmortem/")
    expect(ada.get_by_role("heading", name="Published by hand")).to_be_visible()
    expect(ada.get_by_text("The probe waited for the database.")).to_be_visible()
    expect(ada.locator(".st", has_text="Published")).to_be_visible()
    contents = ada.get_by_role("navigation", name="Contents")
    contents.get_by_role("link", name="Impact").click()
    expect(ada.get_by_role("heading", name="Impact")).to_be_in_viewport()


def test_cancelling_the_question_publishes_nothing(ada: Page) -> None:
    number = declare(ada, "Not published after all")
    all_answered(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    ada.get_by_role("button", name="Publish").click()
    ada.locator("#confirm").get_by_role("button", name="Cancel").click()
    ada.goto(f"/incidents/{number}/postmortem/")
    expect(ada.locator("article .st", has_text="Draft")).to_be_visible()
