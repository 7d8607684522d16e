// The evidence drawer: [data-insert] puts a citation or an embed into the text, Shift+Enter on an item embeds it, arrows
// move; what is in the text is dimmed and says under which heading. [data-part] opens the dialog for a part of an item.
import { fetchPart } from "./editor-part.js";

export function put(surface, text) {
  if (text.startsWith("!")) surface.insertBlock(text);
  else surface.insert(text);
}

// Where each E-n stands: its headings, and the first place.
function standing(text) {
  const found = new Map();
  let heading = "the beginning";
  let at = 0;
  for (const line of text.split("\n")) {
    const title = /^#{1,6}\s+(.+?)\s*#*$/.exec(line);
    if (title) heading = title[1].replace(/[*_`]/g, "");
    for (const [, ref] of line.matchAll(/\[\[(E-\d+)[\]\s]/g)) {
      const known = found.get(ref) ?? { at: at + line.indexOf(`[[${ref}`), headings: new Set() };
      found.set(ref, known);
      known.headings.add(heading);
    }
    at += line.length + 1;
  }
  return found;
}

function used(surface) {
  const known = standing(surface.text());
  const numbers = document.querySelector("[data-drawer-numbers]");
  if (numbers) numbers.value = [...known.keys()].map((ref) => ref.slice(2)).join(",");
  for (const item of document.querySelectorAll("[data-evidence]")) {
    const place = known.get(item.dataset.evidence);
    item.classList.toggle("is-used", Boolean(place));
    const note = item.querySelector("[data-used]");
    if (!note) continue;
    note.hidden = !place;
    if (!place) continue;
    const go = Object.assign(document.createElement("button"), { type: "button", className: "link" });
    go.textContent = `in the text under ${[...place.headings].slice(0, 3).join(", ")}`;
    go.addEventListener("click", () => surface.select(place.at, place.at + item.dataset.evidence.length + 4));
    note.replaceChildren(go);
  }
}

function keys(event, surface) {
  const item = event.target.closest?.("[data-item]");
  if (item && event.key === "Enter" && event.shiftKey) {
    event.preventDefault();
    return put(surface, `!${item.dataset.insert}`);
  }
  const inside = item || event.target.closest?.("[data-drawer-search]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Enter" && inside && !item) event.preventDefault();
  if (!inside || !step) return;
  event.preventDefault();
  const all = [...document.querySelectorAll("[data-item]")];
  const next = all[all.indexOf(item) + step] ?? (step < 0 ? document.querySelector("[data-drawer-search]") : null);
  next?.focus();
}

export function drawer(form, surface) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) put(surface, button.dataset.insert);
    const part = event.target.closest("[data-part]");
    if (part) fetchPart(part.dataset.part);
  });
  form.addEventListener("keydown", (event) => keys(event, surface));
  document.addEventListener("dragstart", (event) => {
    const item = event.target.closest?.("[data-evidence][draggable=true]");
    if (!item) return;
    item.classList.add("is-lift");
    event.dataTransfer.setData("text/plain", `![[${item.dataset.evidence}]]`);
    event.dataTransfer.setData("application/x-debrief", item.dataset.evidence);
    event.dataTransfer.effectAllowed = "copy";
  });
  document.addEventListener("dragend", (event) => event.target.classList?.remove("is-lift"));
  const pane = form.querySelector(".wr-text");
  pane?.addEventListener("dragover", () => pane.classList.add("is-over"));
  for (const name of ["dragleave", "drop", "dragend"]) pane?.addEventListener(name, () => pane.classList.remove("is-over"));
  surface.onChange(() => used(surface));
  document.addEventListener("htmx:load", (event) => event.target.querySelector?.("[data-evidence]") && used(surface));
  used(surface);
}
