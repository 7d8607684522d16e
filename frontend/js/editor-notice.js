// surface.notice("…", {label, act}): a sentence above the text, with a deed or without, that stays until it is closed.
export function notices(_form, surface) {
  const bar = document.querySelector("[data-notice]");
  const button = bar?.querySelector("[data-notice-act]");
  const close = () => {
    bar.hidden = true;
    surface.focus();
  };
  surface.notice = (words, deed) => {
    if (!bar) return;
    bar.querySelector("[data-notice-text]").textContent = words;
    button.hidden = !deed;
    if (deed) {
      button.textContent = deed.label;
      button.onclick = () => {
        deed.act();
        close();
      };
    }
    bar.hidden = false;
  };
  bar?.querySelector("[data-notice-close]")?.addEventListener("click", close);
}
