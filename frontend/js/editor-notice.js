// surface.notice("…"): a sentence above the text that stays until it is closed.
export function notices(_form, surface) {
  const bar = document.querySelector("[data-notice]");
  surface.notice = (words) => {
    if (!bar) return;
    bar.querySelector("[data-notice-text]").textContent = words;
    bar.hidden = false;
  };
  bar?.querySelector("[data-notice-close]")?.addEventListener("click", () => {
    bar.hidden = true;
    surface.focus();
  });
}
