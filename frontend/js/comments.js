// #comments, on any page: what was typed outlives a fresh panel; j, k and the arrows go from thread to thread; a
// suggestion begins with the words it is about.
const panel = () => document.getElementById("comments");
const tests = { checkbox: (one) => one.checked !== one.defaultChecked, hidden: (one) => one.value };
const changed = (one) => (tests[one.type] ?? (() => one.value !== one.defaultValue))(one);

let kept = null;

function keep(sent) {
  const fields = [...panel().querySelectorAll("textarea, input")].filter((one) => one.id && one.form !== sent && changed(one));
  kept = { values: fields.map((one) => [one.id, one.type === "checkbox" ? one.checked : one.value]), focus: document.activeElement?.id };
}

function bringBack() {
  for (const [id, value] of kept?.values ?? []) {
    const field = document.getElementById(id);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value;
    else field.value = value;
    if (field.type !== "hidden") field.closest("details")?.setAttribute("open", "");
  }
  const field = kept?.focus && document.getElementById(kept.focus);
  if (field && panel().contains(field)) {
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  }
  kept = null;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "comments" || !panel()) return;
  const { elt } = event.detail.requestConfig;
  keep(elt.matches("form") && event.detail.shouldSwap ? elt : null);
});
document.addEventListener("htmx:load", (event) => {
  if (event.target.id !== "comments") return;
  bringBack();
});

document.addEventListener("change", (event) => {
  const { form, name, checked } = event.target;
  if (name !== "suggest" || !checked || !form?.closest("#comments")) return;
  if (!form.elements.replacement.value) form.elements.replacement.value = form.elements.quote.value;
  form.elements.replacement.focus();
});
document.addEventListener("click", (event) => {
  const details = event.target.closest("[data-composer-close]")?.closest("details");
  if (!details) return;
  details.open = false;
  details.querySelector("form").reset();
  details.querySelector("summary").focus();
});

document.addEventListener("keydown", (event) => {
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!event.target.closest?.("#comments") || event.target.closest("textarea, input, select")) return;
  const threads = [...panel().querySelectorAll("[data-thread]")].filter((one) => one.checkVisibility());
  const at = threads.indexOf(event.target.closest("[data-thread]"));
  event.preventDefault();
  threads[at < 0 ? (step > 0 ? 0 : threads.length - 1) : Math.min(Math.max(at + step, 0), threads.length - 1)]?.focus();
});
