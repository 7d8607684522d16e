// Where the others are: their selections and carets, with classes (the content policy allows no style attributes).
import { Annotation } from "@codemirror/state";
import { Decoration, ViewPlugin, WidgetType } from "@codemirror/view";
import * as Y from "yjs";

const moved = Annotation.define();

class Caret extends WidgetType {
  constructor(user) {
    super();
    this.user = user;
  }
  eq(other) {
    return other.user.id === this.user.id && other.user.name === this.user.name;
  }
  toDOM() {
    const caret = document.createElement("span");
    caret.className = `cm-caret is-p${this.user.colour}`;
    const name = document.createElement("span");
    name.className = "cm-caret-name";
    name.textContent = this.user.name.split(" ")[0];
    caret.append("\u2060", name);
    return caret;
  }
  ignoreEvent() {
    return true;
  }
}

// { from, to, head, user } of everybody else whose cursor stands in this text.
function others(awareness, text) {
  const found = [];
  for (const [client, state] of awareness.getStates()) {
    if (client === awareness.clientID || !state.cursor?.anchor || !state.user) continue;
    const [anchor, head] = [state.cursor.anchor, state.cursor.head].map((position) =>
      Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), text.doc),
    );
    if (anchor?.type !== text || head?.type !== text) continue;
    found.push({ from: Math.min(anchor.index, head.index), to: Math.max(anchor.index, head.index), head: head.index, user: state.user });
  }
  return found;
}

function drawn(awareness, text, length) {
  const marks = [];
  for (const { from, to, head, user } of others(awareness, text)) {
    if (Math.max(to, head) > length) continue;
    if (from < to) marks.push(Decoration.mark({ class: `cm-others is-p${user.colour}` }).range(from, to));
    marks.push(Decoration.widget({ widget: new Caret(user), side: 1 }).range(head));
  }
  return Decoration.set(marks, true);
}

function tell(awareness, text, view) {
  const { anchor, head } = view.state.selection.main;
  const now = awareness.getLocalState()?.cursor;
  const cursor = {
    anchor: Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, anchor)),
    head: Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, head)),
  };
  if (JSON.stringify(cursor) !== JSON.stringify(now)) awareness.setLocalStateField("cursor", cursor);
}

export function cursors(awareness, text) {
  return ViewPlugin.fromClass(
    class {
      constructor(view) {
        this.listener = ({ added, updated, removed }) => {
          const foreign = [...added, ...updated, ...removed].some((client) => client !== awareness.clientID);
          if (foreign) setTimeout(() => view.dispatch({ annotations: moved.of(true) }));
        };
        awareness.on("change", this.listener);
        this.decorations = drawn(awareness, text, view.state.doc.length);
      }
      update(update) {
        if (update.view.hasFocus && (update.selectionSet || update.docChanged || update.focusChanged)) {
          setTimeout(() => tell(awareness, text, update.view));
        }
        this.decorations = drawn(awareness, text, update.state.doc.length);
      }
      destroy() {
        awareness.off("change", this.listener);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );
}
