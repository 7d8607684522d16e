// Reduces Tabler's style sheet to the tags and classes named in tabler.keep.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import postcss from "postcss";
import { PurgeCSS } from "purgecss";

// Our tokens carry both themes through light-dark(), so that the system's own choice works too;
// Tabler's dark rules and the motion it adds would only say the same a second time, or otherwise.
const unwanted = /data-bs-theme|\.theme-|\.dark\b|\.card|\.navbar|\.page|\.modal|\.alert|\.list-group|\.input-group|\.was-validated|\.form-floating|\.nav\b|\.dropend|\.dropup|\.dropstart|\.steps|:host/;

const ours = {
  postcssPlugin: "debrief",
  Once(root) {
    root.walkComments((comment) => comment.remove());
    root.walkAtRules(/^(font-face|charset|import)$/, (rule) => rule.remove());
    root.walkRules((rule) => {
      if (rule.parent.type === "atrule" && /keyframes$/.test(rule.parent.name)) return;
      const kept = rule.selectors.filter((selector) => !unwanted.test(selector.replace(/:root|\[data-bs-theme=light\]/g, "")));
      if (kept.length === 0) rule.remove();
      else rule.selectors = kept;
    });
    root.walkAtRules((rule) => {
      if (rule.nodes?.length === 0) rule.remove();
    });
  },
};

export async function tabler(folder) {
  const keep = (await readFile(join(folder, "tabler.keep"), "utf8"))
    .split("\n")
    .map((line) => line.replace(/#.*/, ""))
    .join(" ")
    .split(/\s+/)
    .filter(Boolean);
  const source = await readFile(join(folder, "node_modules/@tabler/core/dist/css/tabler.css"), "utf8");
  const lean = postcss([ours]).process(source, { from: undefined, map: false }).css;
  const words = new Set(keep);
  const [purged] = await new PurgeCSS().purge({
    content: [{ raw: [...words].join(" "), extension: "html" }],
    css: [{ raw: lean }],
    defaultExtractor: (text) => text.split(/\s+/),
    keyframes: true,
    variables: true,
  });
  // A policy of img-src 'self' forbids data: pictures; css/controls.css has ours as files.
  return purged.css.replace(/url\((?:"[^"]*"|'[^']*'|[^)"']*)\)/g, "none");
}
