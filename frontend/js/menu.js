// The side bar on narrow screens. Without this file its links still open and close it through :target.
const side = () => document.getElementById("side");

function set(open, opener) {
  const panel = side();
  if (!panel) return;
  panel.classList.toggle("is-open", open);
  document.querySelector("[data-menu=open]")?.setAttribute("aria-expanded", String(open));
  if (open) panel.querySelector("a, button")?.focus();
  else opener?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-menu]");
  if (link) {
    event.preventDefault();
    set(link.dataset.menu === "open", document.querySelector("[data-menu=open]"));
  } else if (side()?.classList.contains("is-open") && !event.target.closest("#side")) {
    set(false);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && side()?.classList.contains("is-open")) {
    set(false, document.querySelector("[data-menu=open]"));
  }
});
