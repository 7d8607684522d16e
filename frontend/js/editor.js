// The editing page of a post-mortem: form[data-editor]. Without scripts it is a plain form with a Save button.
import { conflicts } from "./editor-conflict.js";
import { drawer } from "./editor-drawer.js";
import { outline } from "./editor-outline.js";
import { preview } from "./editor-preview.js";
import { saving } from "./editor-save.js";
import { toolbar } from "./editor-toolbar.js";

for (const form of document.querySelectorAll("form[data-editor]")) {
  const saver = saving(form);
  conflicts(form, saver);
  toolbar(form);
  outline(form);
  preview(form);
  drawer(form);
}
