// The evidence drawer: [data-insert] buttons and draggable items put a citation or an embed into the text;
// [data-drawer-search] narrows the list; items already in the text say so.

function put(surface, text) {
  if (text.startsWith("!")) surface.insertBlock(text);
  else surface.insert(text);
}

function used(surface) {
  const text = surface.text();
  for (const item of document.querySelectorAll("[data-evidence]")) {
    const inText = new RegExp(`\\[\\[${item.dataset.evidence}[\\]\\s]`).test(text);
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

export function drawer(form, surface) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) put(surface, button.dataset.insert);
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
  const pane = form.querySelector(".wr-text");
  pane?.addEventListener("dragover", () => pane.classList.add("is-over"));
  for (const name of ["dragleave", "drop"]) pane?.addEventListener(name, () => pane.classList.remove("is-over"));
  surface.onChange(() => used(surface));
  document.querySelector("[data-drawer-search]")?.addEventListener("input", (event) => narrow(event.target.value));
  used(surface);
}
