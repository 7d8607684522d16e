// [data-tool] buttons and their keys: heading, bold, link, list, code, table.
const TABLE = "| Time | What |\n|---|---|\n|  |  |";

function around(surface, mark, empty) {
  const { from, to } = surface.selection();
  surface.replace(from, to, mark + (surface.text().slice(from, to) || empty) + mark);
  if (from === to) surface.select(from + mark.length, from + mark.length + empty.length);
}

function lines(surface, change) {
  const { from, to } = surface.selection();
  const text = surface.text();
  const start = text.lastIndexOf("\n", from - 1) + 1;
  const stop = text.indexOf("\n", to);
  const end = stop < 0 ? text.length : stop;
  surface.replace(start, end, text.slice(start, end).split("\n").map(change).join("\n"));
}

const tools = {
  heading: (surface) => lines(surface, (line) => (/^## /.test(line) ? line.replace(/^## /, "### ") : `## ${line.replace(/^#+ /, "")}`)),
  bold: (surface) => around(surface, "**", "important"),
  list: (surface) => lines(surface, (line) => (/^- /.test(line) ? line.slice(2) : `- ${line}`)),
  table: (surface) => surface.insertBlock(TABLE),
  code(surface) {
    const { from, to } = surface.selection();
    const chosen = surface.text().slice(from, to);
    if (chosen.includes("\n")) surface.insertBlock(`\`\`\`\n${chosen}\n\`\`\``);
    else around(surface, "`", "code");
  },
  link(surface) {
    const { from, to } = surface.selection();
    const words = surface.text().slice(from, to) || "words";
    surface.replace(from, to, `[${words}](https://)`);
    surface.select(from + words.length + 3, from + words.length + 11);
  },
};
const keys = { b: "bold", k: "link", e: "code" };

export function toolbar(form, surface) {
  document.addEventListener("click", (event) => {
    const tool = event.target.closest("[data-tool]")?.dataset.tool;
    if (tools[tool]) tools[tool](surface);
  });
  form.querySelector(".wr-text")?.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const digits = event.shiftKey ? { Digit2: "heading", Digit8: "list" }[event.code] : undefined;
    const tool = digits || (event.shiftKey ? undefined : keys[event.key]);
    if (!tool) return;
    event.preventDefault();
    event.stopPropagation();
    tools[tool](surface);
  }, true);
}
