// Autosave 1.5 s after the last key. POST body, title and version; 200 {version, saved_at}, 409 {current_…}.
import { draft } from "./editor-draft.js";

const PAUSE_MS = 1500;
const LONGEST_WAIT_MS = 30000;

export function saving(form) {
  const { body, title, version } = form.elements;
  const status = document.querySelector("[data-saved]");
  const kept = draft(form.dataset.draftKey || form.dataset.autosaveUrl);
  let saved = text();
  let timer, flying, stopped;
  let wait = 2000;

  function text() {
    return { body: body.value.replace(/\r\n/g, "\n"), title: title?.value ?? "" };
  }
  const dirty = () => text().body !== saved.body || text().title !== saved.title;

  function say(words, kind) {
    if (!status) return;
    status.textContent = words;
    status.className = `xs ${kind}`;
  }

  function changed() {
    if (!dirty() && !stopped) {
      kept.forget();
      return say("Saved", "good");
    }
    const safe = kept.keep({ ...text(), version: version.value });
    if (stopped) return;
    say(safe ? "Not saved yet, kept in this browser" : "Not saved yet", "mut");
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE_MS);
  }

  function later(words) {
    say(`${words} Your text is kept in this browser; we try again in ${Math.round(wait / 1000)} s.`, "bad");
    clearTimeout(timer);
    timer = setTimeout(save, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }

  async function answer(response, sent) {
    const isJson = (response.headers.get("Content-Type") || "").includes("json");
    if (response.ok && isJson) {
      const { version: next, saved_at: at } = await response.json();
      version.value = next;
      saved = sent;
      wait = 2000;
      if (dirty()) return changed();
      kept.forget();
      const time = at ? new Date(at).toLocaleTimeString("en-GB") : "";
      say(`Saved ${time}`.trim(), "good");
      form.dispatchEvent(new CustomEvent("editor:saved"));
    } else if (response.status === 409 && isJson) {
      stopped = true;
      say("Not saved: somebody else saved first. Your text is kept in this browser.", "warn");
      form.dispatchEvent(new CustomEvent("editor:conflict", { detail: await response.json() }));
    } else if (response.status >= 500 || response.status === 429) {
      later(`Not saved: the server answered ${response.status}.`);
    } else if (response.redirected || response.status === 401 || response.status === 403) {
      say("Not saved: you were signed out. Your text is kept in this browser; sign in in another tab.", "bad");
    } else {
      const problem = isJson ? await response.json() : {};
      say(`Not saved: ${problem.detail || `the server answered ${response.status}`}. Your text is kept in this browser.`, "bad");
    }
  }

  async function save() {
    clearTimeout(timer);
    if (flying || stopped) return;
    const sent = text();
    const data = new FormData(form);
    say("Saving…", "mut");
    flying = true;
    let response;
    try {
      response = await fetch(form.dataset.autosaveUrl, {
        method: "POST",
        headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken?.value ?? "", Accept: "application/json" },
        body: data,
      });
    } catch {
      return later("Not saved: no connection.");
    } finally {
      flying = false;
    }
    await answer(response, sent);
  }

  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    if (event.submitter && !event.submitter.hasAttribute("data-save")) return;
    event.preventDefault();
    save();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    save();
  });
  addEventListener("online", () => dirty() && save());
  addEventListener("beforeunload", (event) => dirty() && event.preventDefault());

  function resume(fields) {
    if (fields.body !== undefined) body.value = fields.body;
    if (fields.title !== undefined && title) title.value = fields.title;
    if (fields.version !== undefined) version.value = fields.version;
    stopped = false;
    body.dispatchEvent(new Event("input", { bubbles: true }));
  }
  return { kept, text, save, resume, settle: (fields) => (saved = fields), stop: () => (stopped = true), say };
}
