// [data-saved]: whether all that was typed is in the database, in words and with a time.
const LATE_MS = 2500;
const CLOSED = {
  4401: "You were signed out. Your text is kept in this browser; sign in in another tab and it is saved.",
  4403: "You may no longer write here. Your text is kept in this browser; an admin can grant the role responder.",
  4404: "This post-mortem is no longer there. Your text is kept in this browser.",
  4400: "The server refused an edit. Your text is kept in this browser; load the page again.",
};

export function savedWords() {
  const status = document.querySelector("[data-saved]");
  let late;
  let unsavedSince = 0;
  let savedAt = "";

  function put(words, kind) {
    if (status && status.textContent !== words) Object.assign(status, { textContent: words, className: `xs ${kind}` });
  }

  return function say(state) {
    clearTimeout(late);
    unsavedSince = state.unsaved ? unsavedSince || Date.now() : 0;
    if (!state.unsaved) savedAt = new Date().toLocaleTimeString("en-GB");
    if (state.line === "closed") return put(CLOSED[state.code] || "The connection was closed. Your text is kept in this browser.", "bad");
    if (state.line !== "open") {
      const rest = state.unsaved ? "What you type is not saved yet; it is kept in this browser." : "Everything is saved.";
      return put(`No connection. ${rest}`, state.unsaved ? "warn" : "mut");
    }
    if (!state.unsaved) return put(`Saved ${savedAt}`, "good");
    if (Date.now() - unsavedSince >= LATE_MS) return put("Not saved yet; it is kept in this browser", "warn");
    put("Saving…", "mut");
    late = setTimeout(() => say(state), LATE_MS);
  };
}
