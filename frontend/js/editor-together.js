// Writing together: joins the shared document, and puts CodeMirror in place of the textarea once it is here. Without a
// socket the form stays what it is, with its own saving.
import { keeper } from "./editor-keep.js";
import { link } from "./editor-link.js";
import { mirror, titleMirror } from "./editor-mirror.js";
import { present } from "./editor-present.js";
import { savedWords } from "./editor-words.js";

const TRY_AGAIN_MS = 4000;

export function together(form, surface, saver) {
  const { socketUrl: address, guid, styleNonce: nonce } = form.dataset;
  if (!address || !guid) return { active: () => false };
  const field = form.elements.body;
  const say = savedWords();
  let joined = false;
  let retry;

  const line = link({
    address,
    guid,
    onState(state) {
      if (!joined) return state.line === "open" && join();
      keep.keep();
      say(state);
      clearTimeout(retry);
      // Signed out: whoever signs in again in another tab goes on here.
      if (state.line === "closed" && state.code === 4401) retry = setTimeout(line.again, TRY_AGAIN_MS);
    },
    onAnnounce: (what) => surface.announced(what),
  });
  const keep = keeper(line, guid, `${address}:${form.dataset.me}`);

  // What the textarea still has to save goes first; it is then part of the shared text.
  async function join() {
    if (joined || !saver.clean()) {
      await saver.save();
      if (joined || !saver.clean()) return;
    }
    joined = true;
    saver.retire();
    const { added, strange } = keep.bringBack();
    show();
    if (added) surface.notice("Text of an earlier visit that had not been saved is in here again.");
    for (const row of strange) offer(row);
    say(line.state());
  }

  // The document was made anew since: what was kept of the old one cannot be merged, but it is not thrown away.
  function offer({ key, text }) {
    surface.notice("This browser kept a text of an earlier visit that does not fit into this document.", {
      label: "Add it at the end",
      act() {
        surface.replace(surface.text().length, surface.text().length, `\n\n## Kept from an earlier visit\n\n${text}\n`);
        localStorage.removeItem(key);
      },
    });
  }

  function show() {
    const focused = document.activeElement === field;
    const { from, to } = surface.selection();
    const scroll = field.scrollTop;
    const { awareness, text, title } = line;
    const shared = mirror({
      field,
      text,
      awareness,
      nonce,
      extensions: surface.extensions,
      onChange: surface.changed,
      onFull: (limit) => surface.notice(`Not added: the text would be longer than ${limit.toLocaleString("en")} characters.`),
    });
    titleMirror({ field: form.elements.title, text: title, awareness, nonce });
    surface.use(shared);
    if (focused) shared.select(Math.min(from, text.length), Math.min(to, text.length));
    shared.scroller().scrollTop = scroll;
    present(awareness, form.dataset.me);
    form.dataset.together = "";
  }

  addEventListener("beforeunload", (event) => {
    if (joined && line.state().unsaved && !keep.now()) event.preventDefault();
  });
  addEventListener("pagehide", () => joined && keep.now());
  addEventListener("focus", () => joined && line.state().line === "closed" && line.state().code === 4401 && line.again());
  // The form may become clean later: then the textarea makes room.
  form.addEventListener("editor:clean", () => line.state().line === "open" && join());

  return { active: () => joined, line, settled: line.settled };
}
