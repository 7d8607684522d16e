// The editing page of a post-mortem: form[data-editor]. Without scripts it is a plain form with a Save button.
import { conflicts } from "./editor-conflict.js";
import { drawer } from "./editor-drawer.js";
import { outline } from "./editor-outline.js";
import { preview } from "./editor-preview.js";
import { publishing } from "./editor-publish.js";
import { saving } from "./editor-save.js";
import { toolbar } from "./editor-toolbar.js";

// Ctrl+S and the Save button save where we are; other buttons of the form send it as usual.
function saveInPlace(form, saver) {
  form.addEventListener("submit", (event) => {
    if (event.submitter && !event.submitter.hasAttribute("data-save")) return;
    event.preventDefault();
    saver.save();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    saver.save();
  });
}

for (const form of document.querySelectorAll("form[data-editor]")) {
  const saver = saving(form);
  saveInPlace(form, saver);
  conflicts(form, saver);
  toolbar(form);
  outline(form);
  preview(form);
  drawer(form);
  publishing(saver);
}
