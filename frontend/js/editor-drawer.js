// The evidence drawer: [data-insert] buttons and draggable items put a citation or an embed into the text;
// [data-drawer-search] narrows the list; items already in the text say so.
import { insert, insertBlock } from "./editor-insert.js";

function put(field, text) {
  if (text.startsWith("!")) insertBlock(field, text);
  else insert(field, text);
}

function used(field) {
  for (const item of document.querySelectorAll("[data-evidence]")) {
    const inText = new RegExp(`\\[\\[${item.dataset.evidence}[\\]\\s]`).test(field.value);
    item.classList.toggle("is-used", inText);
    const note = item.querySelector("[data-used]");
    if (note) note.hidden = !inText;
  }
}

function narrow(words) {
  const wanted = words.toLowerCase();
  for (const item of document.querySelectorAll("[data-evidence]")) {
    item.hidden = !item.textContent.toLowerCase().includes(wanted);
  }
}

export function drawer(form) {
  const field = form.elements.body;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) put(field, button.dataset.insert);
  });
  document.addEventListener("dragstart", (event) => {
    const item = event.target.closest?.("[data-evidence][draggable=true]");
    if (!item) return;
    item.classList.add("is-lift");
    event.dataTransfer.setData("text/plain", `![[${item.dataset.evidence}]]`);
    event.dataTransfer.effectAllowed = "copy";
  });
  document.addEventListener("dragend", (event) => event.target.classList?.remove("is-lift"));
  // The browser itself drops text/plain at the pointer and keeps it undoable; only the look is ours.
  field.addEventListener("dragover", () => field.classList.add("is-over"));
  for (const name of ["dragleave", "drop"]) field.addEventListener(name, () => field.classList.remove("is-over"));
  field.addEventListener("input", () => used(field));
  document.querySelector("[data-drawer-search]")?.addEventListener("input", (event) => narrow(event.target.value));
  used(field);
}
