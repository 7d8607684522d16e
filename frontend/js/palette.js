// Ctrl+K or ⌘K, and [data-palette], open the search over the page. htmx fills the list; arrow keys choose, Enter opens.
const dialog = () => document.getElementById("palette");
const field = () => dialog().querySelector("[data-palette-in]");
const options = () => [...dialog().querySelectorAll('[role="option"]')];

function choose(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  if (option) {
    field().setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    field().removeAttribute("aria-activedescendant");
  }
}

function open() {
  if (!dialog() || dialog().open) return;
  dialog().showModal();
  field().select();
}

document.addEventListener("keydown", (event) => {
  const isCall = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  // In a text it makes a link.
  if (!isCall || event.defaultPrevented || event.target.closest("textarea, [contenteditable]")) return;
  event.preventDefault();
  open();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) open();
  else if (event.target === dialog()) dialog().close();
});

document.addEventListener("keydown", (event) => {
  if (!event.target.closest?.("[data-palette-in]")) return;
  const known = options();
  const place = known.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const steps = { ArrowDown: place + 1, ArrowUp: place < 0 ? known.length - 1 : place - 1 };
  if (event.key in steps) {
    event.preventDefault();
    choose(known[steps[event.key]]);
  } else if (event.key === "Enter" && place >= 0) {
    event.preventDefault();
    known[place].click();
  }
});
