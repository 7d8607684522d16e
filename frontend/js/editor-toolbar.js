// [data-tool] buttons and their keys: heading, bold, link, list, code, table.
import { insert, insertBlock } from "./editor-insert.js";

const TABLE = "| Time | What |\n|---|---|\n|  |  |";

function around(field, mark, empty) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  insert(field, mark + (value.slice(start, end) || empty) + mark);
  if (start === end) field.setSelectionRange(start + mark.length, start + mark.length + empty.length);
}

function lines(field, change) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const from = value.lastIndexOf("\n", start - 1) + 1;
  const stop = value.indexOf("\n", end);
  field.setSelectionRange(from, stop < 0 ? value.length : stop);
  insert(field, value.slice(from, stop < 0 ? value.length : stop).split("\n").map(change).join("\n"));
}

const tools = {
  heading: (field) => lines(field, (line) => (/^## /.test(line) ? line.replace(/^## /, "### ") : `## ${line.replace(/^#+ /, "")}`)),
  bold: (field) => around(field, "**", "important"),
  list: (field) => lines(field, (line) => (/^- /.test(line) ? line.slice(2) : `- ${line}`)),
  table: (field) => insertBlock(field, TABLE),
  code(field) {
    const chosen = field.value.slice(field.selectionStart, field.selectionEnd);
    if (chosen.includes("\n")) insertBlock(field, `\`\`\`\n${chosen}\n\`\`\``);
    else around(field, "`", "code");
  },
  link(field) {
    const { selectionStart: start, selectionEnd: end, value } = field;
    const words = value.slice(start, end) || "words";
    insert(field, `[${words}](https://)`);
    field.setSelectionRange(start + words.length + 3, start + words.length + 11);
  },
};
const keys = { b: "bold", k: "link", e: "code" };

export function toolbar(form) {
  const field = form.elements.body;
  document.addEventListener("click", (event) => {
    const tool = event.target.closest("[data-tool]")?.dataset.tool;
    if (tools[tool]) {
      field.focus();
      tools[tool](field);
    }
  });
  field.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const digits = event.shiftKey ? { Digit2: "heading", Digit8: "list" }[event.code] : undefined;
    const tool = digits || (event.shiftKey ? undefined : keys[event.key]);
    if (!tool) return;
    event.preventDefault();
    tools[tool](field);
  });
}
