// The slash menu: / at the beginning of a line offers what a line or a block can be.
import { snippet, startCompletion } from "@codemirror/autocomplete";

const CHART = "```mermaid\nflowchart LR\n  A[${Release}] --> B[${Pods fail}]\n```\n";
const SEQUENCE = "```mermaid\nsequenceDiagram\n  participant web\n  participant db\n  web->>db: ${question}\n  db-->>web: ${answer}\n```\n";
const PLAN = "```mermaid\ngantt\n  dateFormat HH:mm\n  section Impact\n  ${Errors} :06:37, 20m\n```\n";

const blocks = [
  ["Heading", "a section", "## ${Heading}\n\n${}"],
  ["Small heading", "within a section", "### ${Heading}\n\n${}"],
  ["Table", "two columns", "| ${Time} | ${What} |\n|---|---|\n| ${} |  |\n"],
  ["Task list", "boxes to tick", "- [ ] ${First}\n- [ ] ${}"],
  ["Note", "a callout", "> [!NOTE]\n> ${Mind this.}\n"],
  ["Warning", "a callout", "> [!WARNING]\n> ${Mind this.}\n"],
  ["Important", "a callout", "> [!IMPORTANT]\n> ${Mind this.}\n"],
  ["Code", "as it is, in a fixed width", "```${sh}\n${}\n```\n"],
  ["Diagram", "boxes and arrows, Mermaid", CHART],
  ["Sequence diagram", "who asked whom, Mermaid", SEQUENCE],
  ["Plan", "bars over time, Mermaid", PLAN],
];

const away = (view, from, to) => view.dispatch({ changes: { from, to }, userEvent: "delete" });

function press(selector) {
  return (view, _completion, from, to) => {
    away(view, from, to);
    document.querySelector(selector)?.click();
  };
}

function logs(view, _completion, from, to) {
  away(view, from, to);
  document.querySelector("[data-drawer-filter] input[value=log]")?.click();
  document.querySelector("[data-drawer-search]")?.focus();
}

// The signs that begin an embed, and what can follow them.
function begin(view, _completion, from, to) {
  view.dispatch({ changes: { from, to, insert: "![[" }, selection: { anchor: from + 3 }, userEvent: "input" });
  startCompletion(view);
}

// In this order, not by the alphabet.
const menu = [
  ...blocks.map(([label, detail, text]) => ({ label: `/${label}`, displayLabel: label, detail, apply: snippet(text) })),
  { label: "/Chart", displayLabel: "Chart", detail: "or other evidence as a figure", apply: begin },
  { label: "/Log lines", displayLabel: "Log lines", detail: "chosen in the drawer", apply: logs },
  { label: "/Timeline range", displayLabel: "Timeline range", detail: "as a table", apply: press("[data-drawer] [data-part*='/timeline/']") },
  { label: "/Picture", displayLabel: "Picture", detail: "from this computer", apply: press("[data-picture]") },
].map((item, place) => ({ ...item, boost: 90 - place }));

export const slashSource = () => (context) => {
  const found = context.matchBefore(/^[ \t]*\/[\w ]{0,24}/);
  if (!found) return null;
  const from = found.from + found.text.indexOf("/");
  return { from, options: menu, validFor: /^\/[\w ]{0,24}$/ };
};
