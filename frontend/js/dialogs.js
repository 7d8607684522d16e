// [data-open="#id"] opens a <dialog>, [data-close] closes it; a form or button with data-confirm asks first.
// data-confirm is the question, data-confirm-detail what stays, data-confirm-label the deed.
const asked = new WeakSet();

function ask(form, submitter, words) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("[data-confirm-title]").textContent = words.confirm;
  dialog.querySelector("[data-confirm-text]").textContent = words.confirmDetail || "";
  const button = dialog.querySelector("[data-confirm-ok]");
  button.textContent = words.confirmLabel || submitter?.textContent.trim() || "Go on";
  button.className = words.confirmDanger === undefined ? "btn btn-primary" : "btn btn-danger";
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue !== "yes") return;
    asked.add(form);
    form.requestSubmit(submitter || undefined);
  };
  dialog.showModal();
}

// In the capture phase, so that htmx sees only what was confirmed.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const words = event.submitter?.dataset.confirm ? event.submitter.dataset : form.dataset;
    if (!words.confirm || asked.delete(form)) return;
    event.preventDefault();
    event.stopPropagation();
    ask(form, event.submitter, words);
  },
  true,
);

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    const dialog = document.querySelector(opener.dataset.open);
    if (dialog && !dialog.open) {
      event.preventDefault();
      dialog.showModal();
    }
    return;
  }
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
});

// A dialog whose form came back with errors is shown again with what was typed.
for (const dialog of document.querySelectorAll("dialog[data-show]")) dialog.showModal();
