// An item of the drawer that is dropped on the text: an embed on lines of its own, after the line under the pointer.
import { EditorView } from "@codemirror/view";

export function dropping(_form, surface) {
  surface.extensions.push(
    EditorView.domEventHandlers({
      drop(event, view) {
        const ref = event.dataTransfer?.getData("application/x-debrief");
        if (!ref) return false;
        event.preventDefault();
        const at = view.posAtCoords({ x: event.clientX, y: event.clientY }, false);
        const line = view.state.doc.lineAt(at);
        const place = at === line.from ? line.from : line.to;
        surface.select(place, place);
        surface.insertBlock(`![[${ref}]]`);
        return true;
      },
    }),
  );
}
