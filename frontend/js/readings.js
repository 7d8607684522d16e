// svg[data-t0]: the value under the pointer or the arrow keys. Each path.line carries its values in data-v.
let tip;

function nearest(svg, clientX) {
  const box = svg.getBoundingClientRect();
  const { t0, dt, x0, x1, n } = svg.dataset;
  const x = ((clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
  const share = (x - Number(x0)) / (Number(x1) - Number(x0));
  const index = Math.round(share * (Number(n) - 1));
  return { index, at: Number(t0) + index * Number(dt), box };
}

function words(svg, { index, at }) {
  const time = new Date(at * 1000).toLocaleTimeString("en-GB", { timeZone: svg.dataset.zone || "UTC" });
  const values = [...svg.querySelectorAll("[data-v]")].map((path) => {
    const value = path.dataset.v.split(",")[index];
    return `${path.dataset.name ? `${path.dataset.name} ` : ""}${value || "no value"}${value ? svg.dataset.unit : ""}`;
  });
  return `${time}  ${values.join("  ")}`;
}

function show(svg, clientX) {
  const reading = nearest(svg, clientX);
  if (reading.index < 0 || reading.index >= Number(svg.dataset.n)) return hide();
  if (!tip) {
    tip = document.createElement("div");
    tip.className = "tip";
  }
  tip.textContent = words(svg, reading);
  (svg.closest("dialog") || document.body).append(tip);
  // Through the style object, which a Content-Security-Policy without inline styles allows.
  tip.style.left = `${Math.max(4, Math.min(clientX + 10, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(4, reading.box.top - tip.offsetHeight - 2)}px`;
}

function hide() {
  tip?.remove();
}

document.addEventListener("pointermove", (event) => {
  const svg = event.target.closest?.("svg[data-t0]");
  if (svg) show(svg, event.clientX);
  else hide();
});
document.addEventListener("scroll", hide, { passive: true, capture: true });
