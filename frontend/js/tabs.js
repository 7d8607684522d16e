// [role=tablist] with [role=tab aria-controls]: arrow keys, one panel shown; without this file all panels show.
function choose(tab, focus) {
  const list = tab.closest("[role=tablist]");
  for (const other of list.querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !on;
  }
  if (focus) tab.focus();
}

function start(scope) {
  for (const list of scope.querySelectorAll("[role=tablist]")) {
    const tab = list.querySelector("[role=tab][aria-selected=true]") || list.querySelector("[role=tab]");
    if (tab) choose(tab, false);
  }
}

// A link to something inside a hidden panel opens that panel first.
function reveal() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id ? document.getElementById(id) : null;
  const panel = target?.closest("[role=tabpanel][hidden]");
  if (!panel) return;
  const tab = document.querySelector(`[role=tab][aria-controls="${CSS.escape(panel.id)}"]`);
  if (tab) choose(tab, false);
  target.scrollIntoView();
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab]");
  if (tab) choose(tab, true);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  if (!tab) return;
  const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  const at = tabs.indexOf(tab);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  choose(tabs[(next + tabs.length) % tabs.length], true);
});

start(document);
reveal();
addEventListener("hashchange", reveal);
document.addEventListener("htmx:load", (event) => start(event.target));
