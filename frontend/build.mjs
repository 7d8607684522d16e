// Builds ../static/debrief from this folder. The same sources give the same bytes, on any machine.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";
import { tabler } from "./tabler.mjs";
import { sprite } from "./sprite.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static", "debrief");

const exportFonts = {
  inter: ["400Regular/Inter_400Regular", "400Regular_Italic/Inter_400Regular_Italic", "600SemiBold/Inter_600SemiBold", "700Bold/Inter_700Bold"],
  "jetbrains-mono": ["400Regular/JetBrainsMono_400Regular"],
  "noto-emoji": ["400Regular/NotoEmoji_400Regular"],
  "noto-sans-arabic": ["400Regular/NotoSansArabic_400Regular"],
  "noto-sans-hebrew": ["400Regular/NotoSansHebrew_400Regular"],
};

// The Tabler that we use arrives as a module of its own, so that `css/main.css` imports it by name.
const tablerModule = {
  name: "tabler",
  setup(build) {
    build.onResolve({ filter: /^tabler$/ }, () => ({ path: "tabler", namespace: "tabler" }));
    build.onLoad({ filter: /.*/, namespace: "tabler" }, async () => ({
      contents: await tabler(here),
      loader: "css",
      resolveDir: here,
    }));
  },
};

const shared = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  target: ["chrome123", "firefox120", "safari17.5"],
};

async function files(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (["node_modules", "__pycache__", "manifest.json"].includes(entry.name) || entry.name.endsWith(".py")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await files(path)));
    else found.push(path);
  }
  return found.sort();
}

async function hashes(folder) {
  const rows = {};
  for (const path of await files(folder)) {
    const body = await readFile(path);
    rows[relative(folder, path).replaceAll("\\", "/")] = createHash("sha256").update(body).digest("hex");
  }
  return rows;
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await esbuild.build({
  ...shared,
  entryPoints: { debrief: "css/main.css" },
  outdir: out,
  loader: { ".woff2": "file", ".svg": "file" },
  assetNames: "assets/[name]",
  plugins: [tablerModule],
});
await esbuild.build({
  ...shared,
  entryPoints: { main: "js/main.js", editor: "js/editor.js" },
  outdir: out,
  format: "esm",
});
await esbuild.build({
  ...shared,
  entryPoints: { deck: "css/deck.css" },
  outdir: out,
  loader: { ".woff2": "file", ".svg": "file" },
  assetNames: "assets/[name]",
});
await esbuild.build({ ...shared, entryPoints: { deck: "js/deck.js" }, outdir: out, format: "iife" });
// Exports set text in these; programs that make PDF and pictures read no WOFF.
await mkdir(join(out, "fonts"), { recursive: true });
for (const [name, faces] of Object.entries(exportFonts)) {
  for (const face of faces) {
    const file = `${face.split("/")[1]}.ttf`;
    await copyFile(join(here, "node_modules/@expo-google-fonts", name, face + ".ttf"), join(out, "fonts", file));
  }
}
await copyFile(join(here, "img/favicon.svg"), join(out, "favicon.svg"));
await writeFile(join(out, "icons.svg"), await sprite(here));
const manifest = { sources: await hashes(here), outputs: await hashes(out) };
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 1) + "\n");
for (const path of await files(out)) {
  console.log(relative(out, path), (await readFile(path)).length);
}
