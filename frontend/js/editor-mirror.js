// CodeMirror on the shared text, in place of the form's textarea; and a one-line one in place of the title's field.
import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, dropCursor, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import * as Y from "yjs";
import { cursors } from "./editor-cursors.js";
import { markdownLanguage } from "./editor-markdown.js";
import { positions } from "./editor-positions.js";

function shared(text, awareness) {
  return [yCollab(text, null, { undoManager: new Y.UndoManager(text) }), keymap.of(yUndoManagerKeymap), cursors(awareness, text)];
}

function named(label, describedby) {
  const attributes = { "aria-label": label, spellcheck: "true", autocapitalize: "sentences", tabindex: "0" };
  if (describedby) attributes["aria-describedby"] = describedby;
  return EditorView.contentAttributes.of(attributes);
}

// What a person types or pastes beyond the limit does not enter; what others wrote is theirs.
const within = (limit, tell) =>
  EditorState.transactionFilter.of((change) => {
    if (!change.docChanged || !change.isUserEvent("input") || change.newDoc.length <= limit) return change;
    setTimeout(() => tell(limit));
    return [];
  });

const oneLine = EditorState.transactionFilter.of((change) => {
  if (!change.docChanged || !change.isUserEvent("input") || change.newDoc.lines === 1) return change;
  return [];
});

export function titleMirror({ field, text, awareness, nonce }) {
  const view = new EditorView({
    doc: text.toString(),
    extensions: [
      ...shared(text, awareness),
      keymap.of([{ key: "Enter", run: () => true }, ...defaultKeymap]),
      oneLine,
      within(field.maxLength > 0 ? field.maxLength : 200, () => {}),
      named("Title"),
      EditorView.editorAttributes.of({ class: `ed-line ${field.className}` }),
      EditorView.cspNonce.of(nonce),
    ],
  });
  field.replaceWith(view.dom);
  return view;
}

export function mirror({ field, text, awareness, nonce, extensions, onChange, onFull }) {
  const view = new EditorView({
    doc: text.toString(),
    extensions: [
      ...shared(text, awareness),
      markdownLanguage(),
      lineNumbers(),
      highlightActiveLine(),
      highlightSelectionMatches(),
      drawSelection(),
      dropCursor(),
      closeBrackets(),
      EditorView.lineWrapping,
      EditorView.cspNonce.of(nonce),
      within(field.maxLength, onFull),
      named("Text"),
      EditorView.editorAttributes.of({ class: "ed-mirror" }),
      ...extensions,
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...defaultKeymap, indentWithTab]),
      EditorView.updateListener.of((update) => update.docChanged && onChange()),
    ],
  });
  field.hidden = true;
  field.after(view.dom);
  return {
    view,
    text: () => view.state.doc.toString(),
    selection: () => ({ from: view.state.selection.main.from, to: view.state.selection.main.to }),
    select(from, to = from) {
      view.focus();
      view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "start", yMargin: 60 }) });
    },
    replace(from, to, inserted) {
      view.dispatch({ changes: { from, to, insert: inserted }, selection: { anchor: from + inserted.length }, userEvent: "input", scrollIntoView: true });
      view.focus();
    },
    focus: () => view.focus(),
    scroller: () => view.scrollDOM,
    ...positions(text),
  };
}
