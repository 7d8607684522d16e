// CodeMirror's share of comments: the words that threads are about, and a sign in the margin of their lines.
import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, GutterMarker, gutter } from "@codemirror/view";

export const setMarks = StateEffect.define();

class Margin extends GutterMarker {
  constructor(id) {
    super();
    this.id = id;
  }
  eq(other) {
    return other.id === this.id;
  }
  toDOM() {
    // For the pointer alone: the margin is hidden from readers, who have the list of threads and their keys.
    const note = document.createElement("span");
    note.className = "cm-note";
    note.dataset.toThread = this.id;
    note.title = "Go to the comment";
    note.innerHTML = '<svg class="icon" aria-hidden="true"><use/></svg>';
    const drawn = document.querySelector("[data-comment] use");
    note.querySelector("use").setAttribute("href", drawn ? drawn.getAttribute("href").replace(/#.*/, "#i-message") : "");
    return note;
  }
}

const marks = StateField.define({
  create: () => Decoration.none,
  update(known, change) {
    const set = change.effects.find((one) => one.is(setMarks));
    if (!set) return known.map(change.changes);
    const ranges = set.value.map(({ from, to, id }) =>
      Decoration.mark({ class: "cm-comment", id, attributes: { "data-to-thread": id } }).range(from, to),
    );
    return Decoration.set(ranges, true);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function lineMarker(view, line) {
  let found = null;
  view.state.field(marks).between(line.from, line.to, (from, _to, mark) => {
    if (!found && from >= line.from) found = new Margin(mark.spec.id);
  });
  return found;
}

export const commentMarks = () => [marks, gutter({ class: "cm-notes", side: "after", lineMarker, lineMarkerChange: () => true })];
