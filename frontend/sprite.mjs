// One sprite of the icons named in icons.keep (Tabler's outlines) and of our own in icons/.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const stroke = 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"';

function symbol(name, svg, attributes) {
  const inside = svg
    .replace(/^[\s\S]*?<svg[^>]*>/, "")
    .replace(/<\/svg>[\s\S]*$/, "")
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "")
    .replace(/\s*\n\s*/g, "");
  return `<symbol id="i-${name}" viewBox="0 0 24 24" ${attributes}>${inside}</symbol>`;
}

export async function sprite(folder) {
  const names = (await readFile(join(folder, "icons.keep"), "utf8")).split(/\s+/).filter(Boolean).sort();
  const symbols = [];
  for (const name of names) {
    const svg = await readFile(join(folder, `node_modules/@tabler/icons/icons/outline/${name}.svg`), "utf8");
    symbols.push(symbol(name, svg, stroke));
  }
  for (const file of (await readdir(join(folder, "icons"))).sort()) {
    const svg = await readFile(join(folder, "icons", file), "utf8");
    symbols.push(symbol(file.replace(/\.svg$/, ""), svg, `${stroke} stroke-width="2"`));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
}
