// [data-copy="text"] or [data-copy-from="#id"]: copy, and say so where the button is.
import { toast } from "./toasts.js";

async function copy(text) {
  if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
  // Plain http on a host name has no clipboard interface; the old command still works there.
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("copy refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  const text = source ? source.value ?? source.textContent : button.dataset.copy;
  try {
    await copy(text.trim());
    toast("Copied.", "ok");
  } catch {
    toast("The browser did not allow copying. Select the text and copy it by hand.", "warn");
  }
});
