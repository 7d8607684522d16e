// htmx, and what a reader is told when a request of it fails.
import htmx from "htmx.org";
import { toast } from "./toasts.js";

const words = {
  401: "You were signed out. Sign in again in another tab, then try once more.",
  403: "You may not do this. An administrator can give you the right.",
  404: "This is no longer here. Load the page again.",
  409: "Somebody changed this meanwhile. Load the page again to see it.",
  412: "Somebody changed this meanwhile. Load the page again to see it.",
  429: "Too many requests. Wait a moment, then try again.",
};

document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  toast(words[status] || `The server answered ${status}. Nothing was changed; try again.`, "bad");
});
document.addEventListener("htmx:sendError", () => {
  toast("The server did not answer. Nothing was changed; try again.", "bad");
});
// Forms that come back with errors are 422 with the form as its body: show it.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status !== 422) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

window.htmx = htmx;
