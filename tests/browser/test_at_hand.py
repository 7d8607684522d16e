"""Evidence, pictures, diagrams and completion in the editor, as a person uses them."""

from __future__ import annotations

import base64
import re
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab
from tests.browser.test_incident import all_answered, declare
from tests.browser.writing import TEXT, fill, joined, open_editor, saved, text_of

pytestmark = [pytest.mark.browser, pytest.mark.real_server("chromium")]
PASTE = """([data, type, name]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type }));
  const event = new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
  document.querySelector(".ed-mirror .cm-content").dispatchEvent(event);
}"""


@pytest.fixture
def editor(tab_of: OpenTab, outage: int) -> Page:
    tab = tab_of("ada")
    open_editor(tab, outage)
    fill(tab, "## Impact\n\n")
    return tab


def key(tab: Page, title: str) -> str:
    """E-n of an item by its title; numbers differ from one collection to the next."""
    return str(tab.locator("[data-evidence]", has_text=title).first.get_attribute("data-evidence"))


def offered(tab: Page, words: str) -> None:
    """The list is there; it takes no key in its first 75 ms, so that nobody chooses by accident."""
    expect(tab.locator(".cm-tooltip-autocomplete li").first).to_contain_text(words)
    tab.wait_for_timeout(200)


def png() -> str:
    out = BytesIO()
    Image.new("RGB", (40, 20), "teal").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def test_names_complete_while_typing_and_brackets_close_once(editor: Page) -> None:
    editor.keyboard.type("Told by @ad")
    offered(editor, "@ada")
    editor.keyboard.press("Enter")
    editor.keyboard.type(" as in [[E-7")
    offered(editor, "E-7")
    editor.keyboard.press("Tab")
    assert text_of(editor) == "## Impact\n\nTold by @ada as in [[E-7]]"
    expect(editor.locator("[data-preview] a.mention")).to_have_text("@ada")


def test_nothing_completes_in_code(editor: Page) -> None:
    editor.keyboard.insert_text("```\n\n```")
    editor.keyboard.press("ArrowUp")
    editor.keyboard.type("@ad")
    editor.wait_for_timeout(700)
    expect(editor.locator(".cm-tooltip-autocomplete")).to_have_count(0)


def test_the_slash_menu_puts_a_diagram_that_the_preview_draws(editor: Page) -> None:
    editor.keyboard.type("/diag")
    offered(editor, "Diagram")
    editor.keyboard.press("Enter")
    assert "```mermaid\nflowchart LR" in text_of(editor)
    expect(editor.locator("[data-preview] svg.diagram")).to_contain_text("Pods fail")


def test_f2_shows_what_a_citation_stands_for_and_escape_closes_it(editor: Page) -> None:
    editor.keyboard.insert_text(f"It rose [[{key(editor, '5xx share')}]]")
    editor.keyboard.press("ArrowLeft")
    editor.keyboard.press("F2")
    card = editor.locator(".ref-card")
    expect(card).to_contain_text("5xx share")
    expect(card.locator("svg.viz")).to_be_visible()
    editor.keyboard.press("Escape")
    expect(card).to_have_count(0)


def test_a_part_of_a_chart_is_chosen_in_a_dialog_and_embedded(editor: Page) -> None:
    ref = key(editor, "5xx share")
    editor.locator(f"[data-evidence={ref}] [data-part]").click()
    editor.locator("#part-from").fill("06:36")
    editor.locator("#part-to").fill("06:44")
    embed = editor.locator("#part-preview [data-insert]")
    expect(embed).to_have_attribute("data-insert", f"![[{ref} from=06:36 to=06:44]]")
    embed.click()
    assert f"![[{ref} from=06:36 to=06:44]]" in text_of(editor)
    expect(editor.locator("[data-preview] svg.viz")).to_have_attribute(
        "aria-label", re.compile("From 06:36:00 to 06:44:00")
    )


def test_an_item_that_is_dropped_stands_after_the_line_under_the_pointer(editor: Page) -> None:
    editor.keyboard.insert_text("First line.\nSecond line.")
    line = editor.locator(f"{TEXT} .cm-line", has_text="First line.")
    ref = key(editor, "5xx share")
    editor.locator(f"[data-evidence={ref}]").drag_to(line)
    assert text_of(editor) == f"## Impact\n\nFirst line.\n\n![[{ref}]]\n\nSecond line."
    expect(editor.locator(f"[data-evidence={ref}] [data-used]")).to_have_text("in the text under Impact")


def test_a_pasted_picture_is_uploaded_and_shown(editor: Page) -> None:
    editor.evaluate(PASTE, [png(), "image/png", "graph [1].png"])
    shown = editor.locator("[data-preview] img")
    expect(shown).to_have_attribute("alt", "graph  1")
    assert re.search(r"!\[graph  1\]\(/incidents/\d+/pictures/\d+/\)", text_of(editor))
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 40
    saved(editor)


def test_a_picture_that_fails_says_why_and_can_be_left_out(tab_of: OpenTab, outage: int) -> None:
    tab = tab_of("ada")
    open_editor(tab, outage)
    fill(tab, "Before\n\n")
    tab.route("**/pictures/", lambda route: route.abort())
    tab.evaluate(PASTE, [png(), "image/png", "far.png"])
    row = tab.locator("[data-uploads] li")
    expect(row).to_contain_text("far.png: Not uploaded: no connection.")
    assert "![uploading far" in text_of(tab)
    tab.unroute("**/pictures/")
    row.get_by_role("button", name="Try again").click()
    expect(row).to_have_count(0)
    assert re.search(r"!\[far\]\(/incidents/\d+/pictures/\d+/\)", text_of(tab))


def test_what_was_drafted_is_marked_until_it_is_touched(ada: Page) -> None:
    declare(ada, "Drafted alone")
    all_answered(ada)
    ada.get_by_role("button", name="Write post-mortem").click()
    ada.wait_for_url("**/postmortem/edit/")
    joined(ada)
    chip = ada.locator("[data-outline] a.is-2", has_text="Summary").locator("[data-drafted]")
    expect(chip).to_be_visible()
    marked = ada.locator(f"{TEXT} .cm-drafted").first
    expect(marked).to_contain_text("Drafted alone")
    marked.click()
    ada.keyboard.press("End")
    ada.keyboard.type(" We think.")
    expect(chip).to_have_count(0)
    expect(ada.locator("[data-outline] [data-drafted]").first).to_be_visible()
