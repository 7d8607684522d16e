// The file of slides: reveal.js with the speaker's view (key S). Stands alone, so nothing of main.js is here.
import Reveal from "reveal.js";
import Notes from "reveal.js/plugin/notes/notes.esm.js";

new Reveal(document.querySelector(".reveal"), {
  plugins: [Notes],
  width: 1280,
  height: 720,
  margin: 0.02,
  center: false,
  hash: true,
  transition: "none",
  backgroundTransition: "none",
  pdfSeparateFragments: false,
}).initialize();
