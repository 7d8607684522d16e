"""The page behaviour in a real Chromium, under the policy that pages are served with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.frontend.harness import TEXT, Desk, editing, page, serving
from tests.system import chromium_arguments, chromium_path

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_arguments())
        yield browser
        browser.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def tab(chromium: Any, desk: Desk) -> Iterator[Any]:
    """A tab whose errors and policy violations fail the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, timezone_id="Europe/Berlin")
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda line: problems.append(line.text) if "Content Security" in line.text else None)
    with serving(desk) as address:
        tab.address = address
        yield tab
        context.close()
    assert problems == []


def opened(tab: Any, desk: Desk, body: str) -> Any:
    desk.body = body
    tab.goto(tab.address)
    return tab


def written(tab: Any) -> str:
    return str(tab.input_value("textarea[name=body]"))


def wait_for(tab: Any, words: str) -> None:
    tab.get_by_text(words).first.wait_for()


def version_is(tab: Any, version: str) -> None:
    from playwright.sync_api import expect

    expect(tab.locator("[name=version]")).to_have_value(version)


def test_the_theme_is_kept_in_a_cookie(tab: Any, desk: Desk) -> None:
    opened(tab, desk, page("<button data-theme-toggle>Theme</button>")).click("button")
    assert tab.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert {"theme": "dark"}.items() <= {cookie["name"]: cookie["value"] for cookie in tab.context.cookies()}.items()


def test_the_time_zone_of_the_reader_is_told_in_a_cookie(tab: Any, desk: Desk) -> None:
    opened(tab, desk, page("<p>x</p>"))
    assert "tz=Europe%2FBerlin" in tab.evaluate("document.cookie")


def test_a_slash_goes_to_the_search_but_not_out_of_a_field(tab: Any, desk: Desk) -> None:
    opened(tab, desk, page("<input data-search aria-label=Search><input id=other aria-label=Other>"))
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.matches('[data-search]')")
    tab.focus("#other")
    tab.keyboard.press("/")
    assert tab.input_value("#other") == "/"


def test_tabs_follow_the_arrow_keys_and_show_one_panel(tab: Any, desk: Desk) -> None:
    tabs = '<div role="tablist"><button role="tab" aria-controls="a">A</button><button role="tab" aria-controls="b">B</button></div>'
    opened(tab, desk, page(tabs + '<div role="tabpanel" id="a">one</div><div role="tabpanel" id="b">two</div>'))
    tab.wait_for_selector("#b", state="hidden")
    tab.click("text=A")
    tab.keyboard.press("ArrowRight")
    assert tab.is_visible("#b")
    assert not tab.is_visible("#a")
    assert tab.get_attribute("[aria-controls=b]", "aria-selected") == "true"


def test_a_deed_that_asks_is_done_only_after_yes(tab: Any, desk: Desk) -> None:
    form = '<form action="/" data-confirm="Hide this line?" data-confirm-detail="E-20 stays."><button name="done" value="1">Hide</button></form>'
    opened(tab, desk, page(form)).click("text=Hide")
    wait_for(tab, "E-20 stays.")
    tab.click("#confirm >> text=Cancel")
    assert "done" not in tab.url
    tab.click("main button")
    tab.click("[data-confirm-ok]")
    tab.wait_for_url("**/?done=1")


def test_a_menu_closes_on_escape_and_gives_the_focus_back(tab: Any, desk: Desk) -> None:
    menu = '<details class="dropdown"><summary>Status</summary><div class="dropdown-menu"><a class="dropdown-item" href="#x">Close</a></div></details>'
    opened(tab, desk, page(menu)).click("summary")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.textContent") == "Close"
    tab.keyboard.press("Escape")
    assert not tab.is_visible("text=Close")
    assert tab.evaluate("document.activeElement.textContent") == "Status"


def test_an_empty_filter_stays_out_of_the_address(tab: Any, desk: Desk) -> None:
    form = '<form data-autosubmit><input name="q" aria-label="Find"><select name="s" aria-label="Kind"><option value="">all</option><option>log</option></select></form>'
    opened(tab, desk, page(form)).select_option("select", "log")
    tab.wait_for_url("**/?s=log")


def test_the_value_under_the_pointer_is_shown(tab: Any, desk: Desk) -> None:
    from incidents.charts import line_chart
    from tests.incidents.test_charts import metric

    opened(tab, desk, page(f'<div class="panel">{line_chart(metric(), zone="UTC")}</div>'))
    box = tab.locator("svg.viz").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * (38 + (414 - 38) * 8 / 19) / 420, box["y"] + box["height"] / 2)
    assert tab.text_content(".tip") == "06:38:00  63 %"


def test_typing_is_saved_after_a_pause_with_title_version_and_token(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing()).fill("textarea[name=body]", "## Summary\n\nNew words.")
    wait_for(tab, "Not saved yet, kept in this browser")
    wait_for(tab, "Saved 10:41:07")
    assert desk.saves == [
        {
            "csrfmiddlewaretoken": "token-1",
            "title": "Checkout errors",
            "version": "3",
            "body": "## Summary\n\nNew words.",
            "token": "token-1",
        }
    ]
    assert tab.input_value("[name=version]") == "4"
    assert tab.evaluate("localStorage.length") == 0


def test_the_next_save_builds_on_the_version_of_the_one_before(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing()).fill("textarea[name=body]", "one")
    tab.keyboard.press("Control+s")
    wait_for(tab, "Saved 10:41:07")
    tab.fill("textarea[name=body]", "two")
    tab.click("[data-save]")
    version_is(tab, "5")
    assert [(save["version"], save["body"]) for save in desk.saves] == [("3", "one"), ("4", "two")]


def test_a_failing_server_is_asked_again_and_the_text_is_kept(tab: Any, desk: Desk) -> None:
    good = desk.answer
    desk.answer = lambda sent: (503, {}) if len(desk.saves) < 2 else good(sent)
    opened(tab, desk, editing()).fill("textarea[name=body]", "kept")
    wait_for(tab, "Not saved: the server answered 503. Your text is kept in this browser")
    assert "kept" in tab.evaluate("localStorage.getItem('debrief:draft:/save')")
    wait_for(tab, "Saved 10:41:07")
    assert len(desk.saves) == 2


def test_a_text_that_the_server_never_got_is_there_after_a_reload(tab: Any, desk: Desk) -> None:
    good, desk.answer = desk.answer, lambda sent: (503, {})
    opened(tab, desk, editing()).fill("textarea[name=body]", "typed before the crash")
    wait_for(tab, "the server answered 503")
    tab.on("dialog", lambda dialog: dialog.accept())
    desk.answer = good
    tab.reload()
    assert written(tab) == "typed before the crash"
    wait_for(tab, "Saved 10:41:07")


def test_a_refused_text_says_why(tab: Any, desk: Desk) -> None:
    desk.answer = lambda sent: (422, {"detail": "Body: at most 200,000 characters."})
    opened(tab, desk, editing()).fill("textarea[name=body]", "x")
    wait_for(tab, "Not saved: Body: at most 200,000 characters. Your text is kept in this browser.")


def stale(desk: Desk) -> None:
    """The first save meets a text of Ben's; later ones that know of it are taken."""
    good = desk.answer
    theirs = {"current_version": 7, "current_body": "Ben's line\nshared", "current_title": "T", "by": "Ben", "at": None}
    desk.answer = lambda sent: good(sent) if sent["version"] == "7" else (409, theirs)


def test_a_stale_save_shows_both_texts_side_by_side(tab: Any, desk: Desk) -> None:
    stale(desk)
    opened(tab, desk, editing()).fill("textarea[name=body]", "My line\nshared")
    wait_for(tab, "Ben saved this text while you were writing. Both texts are kept; nothing is lost.")
    tab.click("text=Compare and merge")
    assert tab.locator("[data-theirs] .is-out").all_inner_texts() == ["Ben's line"]
    assert tab.input_value("[data-mine]") == "My line\nshared"
    assert written(tab) == "My line\nshared"


def test_a_merged_text_is_saved_over_the_version_that_was_seen(tab: Any, desk: Desk) -> None:
    stale(desk)
    opened(tab, desk, editing()).fill("textarea[name=body]", "My line\nshared")
    tab.click("[data-conflict] >> text=Compare and merge")
    tab.fill("[data-mine]", "Ben's line\nMy line\nshared")
    tab.click("dialog >> text=Save my text")
    wait_for(tab, "Saved 10:41:07")
    assert desk.saves[-1]["version"] == "7"
    assert desk.saves[-1]["body"] == written(tab) == "Ben's line\nMy line\nshared"
    assert not tab.is_visible("[data-conflict]")


def test_a_text_given_up_for_theirs_can_be_brought_back_even_later(tab: Any, desk: Desk) -> None:
    stale(desk)
    opened(tab, desk, editing()).fill("textarea[name=body]", "My line")
    tab.click("[data-conflict] >> text=Take theirs")
    assert written(tab) == "Ben's line\nshared"
    tab.reload()
    tab.click("text=Bring my text back")
    assert written(tab) == "My line"


def test_typing_during_a_conflict_is_not_lost(tab: Any, desk: Desk) -> None:
    stale(desk)
    opened(tab, desk, editing()).fill("textarea[name=body]", "My line")
    wait_for(tab, "Ben saved this text")
    tab.fill("textarea[name=body]", "My line and more")
    assert "My line and more" in tab.evaluate("localStorage.getItem('debrief:draft:/save')")
    tab.click("text=Keep mine")
    wait_for(tab, "Saved 10:41:07")
    assert desk.saves[-1]["body"] == "My line and more"


def test_a_save_whose_answer_was_lost_is_no_conflict(tab: Any, desk: Desk) -> None:
    desk.answer = lambda sent: (
        409,
        {"current_version": 4, "current_body": sent["body"], "current_title": sent["title"]},
    )
    opened(tab, desk, editing()).fill("textarea[name=body]", "the same")
    version_is(tab, "4")
    assert not tab.is_visible("[data-conflict]")


def test_the_preview_shows_what_the_server_rendered(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing()).fill("textarea[name=body]", "12345")
    wait_for(tab, "5 characters")
    assert desk.previews == ["12345"]


def test_the_outline_marks_empty_sections(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing())
    assert tab.locator("[data-outline] a").all_inner_texts() == ["Summary", "Impactempty", "Timeline"]
    assert tab.text_content("[data-words]") == f"{len(TEXT.split())} words"


@pytest.mark.parametrize(
    ("keys", "tool", "expected"),
    [
        ("Control+b", "bold", "**word**"),
        ("Control+e", "code", "`word`"),
        ("Control+k", "link", "[word](https://)"),
        ("Control+Shift+2", "heading", "## word"),
        ("Control+Shift+8", "list", "- word"),
    ],
)
def test_a_tool_does_the_same_by_key_and_by_button(tab: Any, desk: Desk, keys: str, tool: str, expected: str) -> None:
    opened(tab, desk, editing("word"))
    for act in (lambda: tab.keyboard.press(keys), lambda: tab.click(f"[data-tool={tool}]")):
        tab.fill("textarea[name=body]", "word")
        tab.evaluate("document.querySelector('textarea[name=body]').setSelectionRange(0, 4)")
        act()
        assert written(tab) == expected


def test_evidence_is_cited_in_the_line_and_embedded_on_lines_of_its_own(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing("one two"))
    tab.evaluate("document.querySelector('textarea[name=body]').setSelectionRange(3, 3)")
    tab.click(".btn[data-insert='[[E-7]]']")
    assert written(tab) == "one[[E-7]] two"
    tab.evaluate("document.querySelector('textarea[name=body]').setSelectionRange(10, 10)")
    tab.click(".btn[data-insert='![[E-7]]']")
    assert written(tab) == "one[[E-7]]\n\n![[E-7]]\n\n two"
    assert tab.is_visible("text=in the text")


def test_an_insertion_can_be_undone(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing("one"))
    tab.focus("textarea[name=body]")
    tab.keyboard.press("End")
    tab.click(".btn[data-insert='[[E-7]]']")
    assert written(tab) == "one[[E-7]]"
    tab.keyboard.press("Control+z")
    assert written(tab).strip() == "one"


def test_an_item_of_the_drawer_is_cited_embedded_and_left_by_keys(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing("")).focus("[data-drawer-search]")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    assert written(tab) == "[[E-7]]"
    tab.focus("[data-drawer-search]")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Shift+Enter")
    assert written(tab).strip() == "[[E-7]]\n\n![[E-9]]"
    tab.focus("[data-item]")
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate("document.activeElement.matches('[data-drawer-search]')")


def test_enter_in_the_search_of_the_drawer_does_not_save(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing()).fill("[data-drawer-search]", "node")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(300)
    assert desk.saves == []


def test_what_is_in_the_text_says_under_which_heading(tab: Any, desk: Desk) -> None:
    opened(tab, desk, editing("## Impact\n\nIt rose [[E-7]].\n\n## *Detection*\n\n![[E-7]]\n"))
    note = tab.locator("[data-evidence=E-7] [data-used]")
    assert note.inner_text() == "in the text under Impact, Detection"
    note.locator("button").click()
    assert tab.evaluate("document.querySelector('textarea[name=body]').selectionStart") == 19
    assert not tab.is_visible("[data-evidence=E-9] [data-used]")
