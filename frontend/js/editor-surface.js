// What the modules of the editor know of the text: first the form's textarea, and CodeMirror once the shared document
// is here. `surface.extensions` collects CodeMirror extensions until then.
export function textarea(field) {
  return {
    view: null,
    field,
    text: () => field.value.replace(/\r\n/g, "\n"),
    selection: () => ({ from: field.selectionStart, to: field.selectionEnd }),
    select(from, to = from) {
      field.focus();
      field.setSelectionRange(from, to);
      const lines = field.value.slice(0, from).split("\n").length - 1;
      field.scrollTop = (lines / Math.max(1, field.value.split("\n").length)) * field.scrollHeight;
    },
    // In a way that the browser's own undo can take back.
    replace(from, to, text) {
      field.focus();
      field.setSelectionRange(from, to);
      if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
      field.setRangeText(text, from, to, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    },
    focus: () => field.focus(),
    scroller: () => field,
    anchor: () => null,
    place: () => null,
  };
}

export function surfaceOf(field) {
  let now = textarea(field);
  const listeners = [];
  const heard = [];
  const surface = {
    extensions: [],
    get view() {
      return now.view;
    },
    text: () => now.text(),
    selection: () => now.selection(),
    select: (from, to) => now.select(from, to),
    replace: (from, to, text) => now.replace(from, to, text),
    focus: () => now.focus(),
    scroller: () => now.scroller(),
    anchor: (from, to) => now.anchor(from, to),
    place: (anchor) => now.place(anchor),
    insert(text) {
      const { from, to } = now.selection();
      now.replace(from, to, text);
    },
    // A block stands on lines of its own, with an empty line before and after.
    insertBlock(text) {
      const { from, to } = now.selection();
      const before = now.text().slice(0, from);
      const after = now.text().slice(to);
      const head = before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
      const tail = after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
      now.replace(from, to, head + text + tail);
    },
    onChange: (listener) => listeners.push(listener),
    changed: () => listeners.forEach((listener) => listener()),
    onAnnounce: (what, listener) => heard.push({ what, listener }),
    announced(what) {
      heard.filter((one) => one.what === what).forEach((one) => one.listener());
      document.body.dispatchEvent(new CustomEvent(`announce:${what}`));
    },
    use(implementation) {
      now = implementation;
      surface.changed();
    },
  };
  field.addEventListener("input", surface.changed);
  return surface;
}
