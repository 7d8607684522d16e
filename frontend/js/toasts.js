// Short messages. Those of the server stand in the page already; scripts add theirs with toast().
const icons = { ok: "circle-check", bad: "alert-circle", warn: "alert-triangle", info: "info-circle" };

export function toast(text, kind = "info") {
  const model = document.getElementById("toast-model");
  const box = document.querySelector(".toasts");
  if (!model || !box) return;
  const item = model.content.firstElementChild.cloneNode(true);
  item.classList.add(`out-${kind}`);
  const use = item.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#i-${icons[kind] || icons.info}`));
  item.querySelector("[data-toast-text]").textContent = text;
  box.append(item);
  leave(item);
}

// Good news goes by itself, unless somebody is reading it; what went wrong stays until it is dismissed.
function leave(item) {
  if (!item.matches(".out-ok, .out-info")) return;
  setTimeout(() => (item.matches(":hover, :focus-within") ? leave(item) : item.remove()), 6000);
}
document.querySelectorAll(".toasts > .toastx").forEach(leave);

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toastx, .note")?.remove();
});
