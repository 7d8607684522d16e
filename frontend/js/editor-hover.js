// What a citation stands for, beside it: under the pointer, or with F2 at the cursor; Escape closes it.
import { StateEffect, StateField } from "@codemirror/state";
import { hoverTooltip, keymap, showTooltip } from "@codemirror/view";
import { incidentAddress } from "./editor-address.js";

const NAMED = /\[\[((?:E|INC|F|L)-[1-9]\d{0,8})[^\]\n]{0,500}\]\]|(?<![\w/.@-])(?:@[\w](?:[\w.+-]{0,148}\w)?|(?:E|INC|F|L)-[1-9]\d{0,8}(?![\w-]))/g;
const KEPT_MS = 60000;

function namedAt(state, at) {
  const line = state.doc.lineAt(at);
  for (const match of line.text.matchAll(NAMED)) {
    const from = line.from + match.index;
    if (from <= at && at <= from + match[0].length) return { from, to: from + match[0].length, ref: match[1] || match[0] };
  }
  return null;
}

// One question for each name and minute; what is not there is remembered as well.
function cards(address) {
  const kept = new Map();
  return (ref) => {
    const known = kept.get(ref);
    if (known && Date.now() - known.at < KEPT_MS) return known.html;
    const html = fetch(`${address}${encodeURIComponent(ref)}/`)
      .then((answer) => (answer.ok && !answer.redirected ? answer.text() : ""))
      .catch(() => "");
    kept.set(ref, { at: Date.now(), html });
    return html;
  };
}

function tooltip(place, html) {
  return {
    pos: place.from,
    end: place.to,
    above: true,
    create() {
      const dom = document.createElement("div");
      dom.className = "ref-card";
      dom.setAttribute("role", "status");
      dom.innerHTML = html;
      return { dom };
    },
  };
}

const show = StateEffect.define();
const shown = StateField.define({
  create: () => null,
  update(known, change) {
    const told = change.effects.find((effect) => effect.is(show));
    if (told) return told.value;
    return change.docChanged || change.selection ? null : known;
  },
  provide: (field) => showTooltip.from(field),
});

export function hovering(form, surface) {
  const card = cards(`${incidentAddress(form)}cards/`);
  const hover = hoverTooltip(async (view, at) => {
    const place = namedAt(view.state, at);
    const html = place && (await card(place.ref));
    return html ? tooltip(place, html) : null;
  });
  const open = (view) => {
    const place = namedAt(view.state, view.state.selection.main.head);
    if (!place) return false;
    card(place.ref).then((html) => {
      const words = html || `<p class="sm mut">Nothing is known under ${place.ref}, or you may not read it.</p>`;
      view.dispatch({ effects: show.of(tooltip(place, words)) });
    });
    return true;
  };
  const close = (view) => {
    if (!view.state.field(shown)) return false;
    view.dispatch({ effects: show.of(null) });
    return true;
  };
  surface.extensions.push(hover, shown, keymap.of([{ key: "F2", run: open }, { key: "Escape", run: close }]));
}
