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
  if (kind === "ok" || kind === "info") setTimeout(() => item.remove(), 6000);
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toastx, .note")?.remove();
});
