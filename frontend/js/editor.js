// The editing page of a post-mortem: form[data-editor]. Without scripts it is a plain form with a Save button.
import "./editor-authors.js";
import { comments } from "./editor-comments.js";
import { completion } from "./editor-complete.js";
import { conflicts } from "./editor-conflict.js";
import { drafting } from "./editor-drafted.js";
import { drawer } from "./editor-drawer.js";
import { dropping } from "./editor-drop.js";
import { hovering } from "./editor-hover.js";
import { notices } from "./editor-notice.js";
import { outline } from "./editor-outline.js";
import { picturing } from "./editor-pictures.js";
import { preview } from "./editor-preview.js";
import { publishing } from "./editor-publish.js";
import { quality } from "./editor-quality.js";
import { saving } from "./editor-save.js";
import { surfaceOf } from "./editor-surface.js";
import { together } from "./editor-together.js";
import { toolbar } from "./editor-toolbar.js";

// Ctrl+S and the Save button save where we are; other buttons of the form send it as usual.
function saveInPlace(form, save) {
  form.addEventListener("submit", (event) => {
    if (event.submitter && !event.submitter.hasAttribute("data-save")) return;
    event.preventDefault();
    save();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    save();
  });
}

for (const form of document.querySelectorAll("form[data-editor]")) {
  const surface = surfaceOf(form.elements.body);
  const saver = saving(form);
  conflicts(form, saver);
  for (const module of [notices, toolbar, outline, preview, drawer, dropping, completion, hovering, picturing, drafting, comments, quality]) module(form, surface);
  const group = together(form, surface, saver);
  saveInPlace(form, () => (group.active() ? group.settled() : saver.save()));
  publishing(saver, group, surface);
}
