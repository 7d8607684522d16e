// [data-theme-toggle]: light and dark; the cookie lets the server render the choice without a flash.
import { remember } from "./cookie.js";

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function shown() {
  const chosen = root.dataset.bsTheme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = shown() === "dark" ? "light" : "dark";
  root.dataset.bsTheme = next;
  remember("theme", next);
});
