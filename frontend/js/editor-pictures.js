// Pictures by paste, drop or [data-picture]: a placeholder stands in the text while one is on its way; what failed stays
// in view with its reason and can be tried again.
import { EditorView } from "@codemirror/view";
import { incidentAddress } from "./editor-address.js";
import { upload, uploadRow } from "./editor-upload.js";

const TYPES = "image/png,image/jpeg,image/gif,image/webp";
let count = 0;

const pictures = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
const plainName = (file) => (file.name || "picture").replace(/\.[^.]*$/, "").replace(/[[\]()\n]/g, " ").trim() || "picture";

function swap(surface, placeholder, text) {
  const whole = surface.text();
  const from = whole.indexOf(placeholder);
  if (from < 0) return false;
  // A picture that is left out takes its lines along.
  if (!text && whole.slice(from + placeholder.length).startsWith("\n\n")) placeholder += "\n\n";
  const { from: start, to: end } = surface.selection();
  surface.replace(from, from + placeholder.length, text);
  // Whoever went on writing meanwhile goes on there.
  const shift = start > from ? text.length - placeholder.length : 0;
  if (start !== end || start < from || start > from + placeholder.length) surface.select(start + shift, end + shift);
  return true;
}

export function picturing(form, surface) {
  const address = `${incidentAddress(form)}pictures/`;
  const token = form.elements.csrfmiddlewaretoken?.value ?? "";

  function send(file) {
    const name = plainName(file);
    const placeholder = `![uploading ${name}, ${(count += 1)}]()`;
    surface.insertBlock(placeholder);
    attempt(file, name, placeholder, uploadRow(form, file.name || name));
  }

  async function attempt(file, name, placeholder, row) {
    row.begin();
    try {
      const { address: at } = await upload(address, token, file, row.progress);
      const text = `![${name}](${at})`;
      if (swap(surface, placeholder, text)) return row.done();
      row.offer("It was uploaded, but its place in the text is gone.", "Insert it", () => {
        surface.insertBlock(text);
        row.done();
      });
    } catch (problem) {
      row.offer(problem.message, "Try again", () => attempt(file, name, placeholder, row), () => swap(surface, placeholder, ""));
    }
  }

  function take(event, data, place) {
    const files = pictures(data);
    if (!files.length) return false;
    event.preventDefault();
    if (place !== null && place !== undefined) surface.select(place, place);
    files.forEach(send);
    return true;
  }

  surface.extensions.push(
    EditorView.domEventHandlers({
      paste: (event) => take(event, event.clipboardData),
      drop: (event, view) => take(event, event.dataTransfer, view.posAtCoords({ x: event.clientX, y: event.clientY })),
    }),
  );
  const field = form.elements.body;
  field.addEventListener("paste", (event) => take(event, event.clipboardData));
  field.addEventListener("drop", (event) => take(event, event.dataTransfer));

  const picker = Object.assign(document.createElement("input"), { type: "file", accept: TYPES, multiple: true });
  picker.addEventListener("change", () => {
    [...picker.files].forEach(send);
    picker.value = "";
  });
  document.addEventListener("click", (event) => event.target.closest("[data-picture]") && picker.click());
}
