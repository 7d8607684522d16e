// ul[data-agenda]: buttons move an item up or down, so that the order needs no mouse; the form sends it as it stands.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-agenda-up], [data-agenda-down]");
  const item = button?.closest("[data-agenda-item]");
  if (!item) return;
  const up = button.matches("[data-agenda-up]");
  const other = up ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (up) other.before(item);
  else other.after(item);
  button.focus();
});
