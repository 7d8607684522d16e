// What Debrief drafted and nobody has touched: a line in the margin, and a chip in the outline. Guidance of the template
// stands as a soft note. Both are looks alone; the text stays as it is.
import { RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { incidentAddress } from "./editor-address.js";

const know = StateEffect.define();
const drawn = Decoration.line({ class: "cm-drafted" });

// As the server sees it: the drafted text word for word, on lines of its own.
export function untouched(text, parts) {
  const found = [];
  for (const { label, text: part } of [...parts].sort((one, other) => other.text.length - one.text.length)) {
    for (let from = text.indexOf(part); part && from >= 0; from = text.indexOf(part, from + 1)) {
      const to = from + part.length;
      const whole = (from === 0 || text[from - 1] === "\n") && (to === text.length || text[to] === "\n");
      if (!whole || found.some((other) => from < other.to && to > other.from)) continue;
      found.push({ label, from, to });
      break;
    }
  }
  return found.sort((one, other) => one.from - other.from);
}

function decorate(state, parts) {
  const builder = new RangeSetBuilder();
  for (const { from, to } of untouched(state.doc.toString(), parts)) {
    for (let at = from; at <= to; ) {
      const line = state.doc.lineAt(at);
      builder.add(line.from, line.from, drawn);
      at = line.to + 1;
    }
  }
  return builder.finish();
}

const field = StateField.define({
  create: () => ({ parts: [], marks: Decoration.none }),
  update(known, change) {
    const told = change.effects.find((effect) => effect.is(know));
    if (!told && !change.docChanged) return known;
    const parts = told ? told.value : known.parts;
    return { parts, marks: parts.length ? decorate(change.state, parts) : Decoration.none };
  },
  provide: (own) => EditorView.decorations.from(own, (known) => known.marks),
});

const comments = new MatchDecorator({ regexp: /<!--.*?(?:-->|$)/g, decoration: Decoration.mark({ class: "cm-guidance" }) });
const guidance = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.decorations = comments.createDeco(view);
    }
    update(update) {
      this.decorations = comments.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

export function drafting(form, surface) {
  let parts = [];
  let seen = null;
  surface.extensions.push(field, guidance);

  function chips() {
    const text = surface.text();
    const standing = parts.length ? untouched(text, parts) : [];
    for (const link of document.querySelectorAll("[data-outline] a.is-2[data-at]")) {
      const at = Number(link.dataset.at);
      const end = Number(link.dataset.end);
      const has = standing.some((part) => part.from >= at && part.from < end);
      link.querySelector("[data-drafted]")?.remove();
      if (has) link.insertAdjacentHTML("beforeend", '<span class="end xs mut" data-drafted title="Drafted from the evidence, nobody has touched it yet">drafted</span>');
    }
  }

  async function ask() {
    const answer = await fetch(`${incidentAddress(form)}postmortem/drafted/`).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    ({ parts } = await answer.json());
    surface.view?.dispatch({ effects: know.of(parts) });
    chips();
  }

  surface.onChange(() => {
    if (surface.view && surface.view !== seen) setTimeout(() => surface.view.dispatch({ effects: know.of(parts) }));
    seen = surface.view;
  });
  document.addEventListener("outline:drawn", chips);
  surface.onAnnounce("drafted", ask);
  document.body.addEventListener("drafted", ask);
  ask();
}
