// What can be named at the cursor, asked of the server while somebody types @a, INC-1, F-, L-, E-, [[ or ![[; and the
// slash menu. Enter or Tab takes what is chosen.
import { acceptCompletion, autocompletion } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import { keymap } from "@codemirror/view";
import { incidentAddress } from "./editor-address.js";
import { slashSource } from "./editor-slash.js";

const TYPED = /(?:!?\[\[[^\][\n]{0,60}|(?<![\w/.@-])@[\w.+-]{0,60}|(?<![\w/[-])(?:INC|F|L|E)-[\w-]{0,60})/;

export function inCode(state, at) {
  for (let node = syntaxTree(state).resolveInner(at, -1); node; node = node.parent) {
    if (/Code/.test(node.name)) return true;
  }
  return false;
}

// Brackets that the editor closed by itself give way to those of the citation.
function put(insert) {
  return (view, _completion, from, to) => {
    const after = view.state.sliceDoc(to, to + 2);
    const closed = insert.endsWith("]]") ? /^\]{0,2}/.exec(after)[0].length : 0;
    view.dispatch({
      changes: { from, to: to + closed, insert },
      selection: { anchor: from + insert.length },
      userEvent: "input.complete",
    });
  };
}

function references(address) {
  return async (context) => {
    const found = context.matchBefore(TYPED);
    if (!found || inCode(context.state, context.pos)) return null;
    const request = new AbortController();
    context.addEventListener("abort", () => request.abort());
    // Asked too early, or without a line: then nothing is offered.
    const answer = await fetch(`${address}?q=${encodeURIComponent(found.text)}`, { signal: request.signal })
      .then((response) => (response.ok ? response.json() : null))
      .catch(() => null);
    if (!answer) return null;
    const { items } = answer;
    const options = items.map(({ insert, label, detail, kind }) => ({ label, detail, type: kind, apply: put(insert) }));
    return options.length ? { from: found.from, options, filter: false } : null;
  };
}

export function completion(form, surface) {
  surface.extensions.push(
    autocompletion({
      override: [references(`${incidentAddress(form)}complete/`), slashSource(form)],
      icons: false,
      maxRenderedOptions: 24,
    }),
    keymap.of([{ key: "Tab", run: acceptCompletion }]),
  );
}
