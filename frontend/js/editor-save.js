// Autosave 1.5 s after the last key; what the server does not have yet is kept in this browser.
import { answers, backoff } from "./editor-answers.js";
import { draft } from "./editor-draft.js";
import { send } from "./editor-send.js";

const PAUSE_MS = 1500;

export function saving(form) {
  const { body, title } = form.elements;
  // A button may carry a version too (the page of a stale save without scripts); the field is what counts here.
  const version = form.querySelector("input[name=version]");
  const status = document.querySelector("[data-saved]");
  const kept = draft(form.dataset.autosaveUrl);
  const aside = draft(`${form.dataset.autosaveUrl}:aside`);
  const text = () => ({ body: body.value.replace(/\r\n/g, "\n"), title: title?.value ?? "" });
  let saved = text();
  const again = backoff(() => save());
  let timer, flying, stopped, retired;

  const same = (one, other) => one.body === other.body && one.title === other.title;
  const dirty = () => !same(text(), saved);

  function say(words, kind) {
    if (status) Object.assign(status, { textContent: words, className: `xs ${kind}` });
  }

  function changed() {
    if (retired) return;
    if (!dirty() && !stopped) {
      clearTimeout(timer);
      kept.forget();
      return say("Saved", "good");
    }
    const safe = kept.keep({ ...text(), version: version.value });
    if (stopped) return;
    say(safe ? "Not saved yet, kept in this browser" : "Not saved yet", "mut");
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE_MS);
  }

  // What others wrote meanwhile comes with the answer; text typed since then is merged by the next save.
  function done(answer, sent) {
    const merged = answer.merged_body;
    if (merged !== undefined && !same(text(), sent)) return changed();
    if (merged !== undefined) body.value = merged;
    version.value = answer.version;
    saved = merged === undefined ? sent : text();
    if (merged !== undefined) body.dispatchEvent(new Event("input", { bubbles: true }));
    again.reset();
    if (dirty()) return changed();
    kept.forget();
    form.dispatchEvent(new CustomEvent("editor:clean"));
    say(`Saved ${answer.saved_at ? new Date(answer.saved_at).toLocaleTimeString("en-GB") : ""}`.trim(), "good");
  }

  const handle = answers({ form, say, same, done, stop: () => (stopped = true), later: again.later });

  async function once() {
    const sent = text();
    say("Saving…", "mut");
    const result = await send(form);
    flying = null;
    handle[result.outcome](result, sent);
  }

  // One save at a time: who asks for another while one is on its way waits for that one.
  async function save() {
    clearTimeout(timer);
    again.cancel();
    if (stopped || retired) return;
    flying ??= once();
    await flying;
  }

  form.addEventListener("input", changed);
  addEventListener("online", () => !retired && dirty() && save());
  addEventListener("beforeunload", (event) => !retired && dirty() && event.preventDefault());

  function resume(fields) {
    for (const [field, value] of [[body, fields.body], [title, fields.title], [version, fields.version]]) {
      if (field && value !== undefined) field.value = value;
    }
    stopped = false;
    body.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const settle = (fields) => (saved = fields);
  // The shared document saves from here on.
  const retire = () => {
    clearTimeout(timer);
    retired = true;
    kept.forget();
  };
  return { kept, aside, text, save, resume, settle, retire, clean: () => !stopped && !dirty(), stop: () => (stopped = true), version: () => version.value };
}
