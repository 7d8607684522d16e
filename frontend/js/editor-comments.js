// Comments beside the text: the words that open threads are about are marked, a mark in the margin leads to its thread,
// a thread to its words; Ctrl+Alt+M or [data-comment] opens the composer with the words that are selected.
import { commentMarks, setMarks } from "./editor-marks.js";

const panel = () => document.getElementById("comments");

// Where a thread's words are now: by its anchor, else by the first place that reads like its quote.
function placeOf(thread, surface) {
  const { anchor, quote } = thread.dataset;
  const place = anchor && surface.view ? surface.place(JSON.parse(anchor)) : null;
  if (place || !quote) return place;
  const from = surface.text().indexOf(quote);
  return from < 0 ? null : { from, to: from + quote.length };
}

function draw(surface) {
  if (!surface.view) return;
  const found = [];
  for (const thread of panel()?.querySelectorAll("[data-thread][data-quote]") ?? []) {
    const place = thread.dataset.quote ? placeOf(thread, surface) : null;
    if (place) found.push({ ...place, id: thread.id });
  }
  surface.view.dispatch({ effects: setMarks.of(found) });
}

let asked = false;

function compose(surface) {
  const { from, to } = surface.selection();
  const quote = surface.text().slice(from, to).slice(0, 5000);
  const details = panel()?.querySelector("[data-composer]");
  // Asked for before the panel has come: it opens with it.
  asked = !details;
  if (asked) return;
  const fields = details.querySelector("form").elements;
  fields.quote.value = quote;
  const anchor = quote ? surface.anchor(from, to) : null;
  fields.anchor.value = anchor ? JSON.stringify(anchor) : "";
  fields.occurrence.value = quote ? surface.text().slice(0, to).split(quote).length - 1 : 1;
  details.open = true;
  details.scrollIntoView({ block: "nearest" });
  fields.text.focus();
}

export function comments(form, surface) {
  let seen = null;
  surface.extensions.push(commentMarks());
  surface.onChange(() => {
    if (surface.view && surface.view !== seen) setTimeout(() => draw(surface));
    seen = surface.view;
  });
  document.addEventListener("htmx:load", (event) => {
    if (event.target.id !== "comments") return;
    draw(surface);
    if (asked) compose(surface);
  });
  document.addEventListener("keydown", (event) => {
    if (event.code !== "KeyM" || !event.altKey || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    compose(surface);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-comment]")) return compose(surface);
    const mark = event.target.closest("[data-to-thread]");
    const thread = mark && document.getElementById(mark.dataset.toThread);
    if (thread) return void (thread.scrollIntoView({ block: "nearest" }), mark.classList.contains("cm-note") && thread.focus());
    const jump = event.target.closest("[data-jump]")?.closest("[data-thread]");
    const place = jump && placeOf(jump, surface);
    if (place) surface.select(place.from, place.to);
  });
}
