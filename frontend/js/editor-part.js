// The dialog for a part of an item: its inside comes from the server; a line of a log is chosen with two presses.
const dialog = () => document.querySelector("[data-part-dialog]");

export async function fetchPart(address) {
  const inside = dialog()?.querySelector("[data-part-inside]");
  if (!inside) return;
  inside.innerHTML = '<p class="sm mut" role="status">Loading…</p>';
  dialog().showModal();
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    inside.innerHTML = '<p class="sm bad" role="alert">It could not be loaded. Close this and try again.</p><button type="button" class="btn" data-close>Close</button>';
    return;
  }
  inside.innerHTML = await answer.text();
  window.htmx?.process(inside);
  inside.querySelector("input")?.focus();
}

function choose(line) {
  const first = dialog().querySelector("[data-part-first]");
  const last = dialog().querySelector("[data-part-last]");
  const whole = first.value && last.value && first.value !== last.value;
  if (!first.value || whole || Number(line) < Number(first.value)) first.value = last.value = line;
  else last.value = line;
  first.dispatchEvent(new Event("change", { bubbles: true }));
}

function mark() {
  const [first, last] = ["first", "last"].map((name) => Number(dialog().querySelector(`[data-part-${name}]`)?.value));
  for (const line of dialog().querySelectorAll("[data-part-line]")) {
    const number = Number(line.dataset.partLine);
    line.setAttribute("aria-pressed", String(number >= first && number <= (last || first)));
  }
}

document.addEventListener("click", (event) => {
  const line = event.target.closest?.("[data-part-line]");
  if (line) choose(line.dataset.partLine);
});
for (const kind of ["change", "input"]) {
  document.addEventListener(kind, (event) => event.target.closest?.("[data-part-first], [data-part-last]") && mark());
}
// Enter in a field of the dialog is not Enter in the form around it.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("[data-part-dialog] input")) event.preventDefault();
});
