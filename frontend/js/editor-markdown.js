// Markdown for CodeMirror: what is a heading, a quote, code or a citation gets a class of css/writing.css.
import { Language, defineLanguageFacet, syntaxHighlighting } from "@codemirror/language";
import { Decoration, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { Strikethrough, Table, TaskList, parser } from "@lezer/markdown";

// Not lang-markdown: it brings HTML, CSS and JavaScript along, which is more than all the rest of the editor.
const markdown = new Language(
  defineLanguageFacet({ commentTokens: { block: { open: "<!--", close: "-->" } } }),
  parser.configure([Table, TaskList, Strikethrough]),
  [],
  "markdown",
);

const references = new MatchDecorator({
  regexp: /!?\[\[[^\]\n]{1,300}\]\]/g,
  decoration: (match) => Decoration.mark({ class: match[0].startsWith("!") ? "cm-embed" : "cm-cite" }),
});

const citations = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.decorations = references.createDeco(view);
    }
    update(update) {
      this.decorations = references.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

export const markdownLanguage = () => [markdown, syntaxHighlighting(classHighlighter), citations];
