// [data-deck]: one slide at a time with its notes, the next one, and the time spent on the agenda's item.
const page = document.querySelector("[data-deck]");

const start = () => {
  const slides = [...page.querySelectorAll("[data-deck-slide]")];
  const notes = [...page.querySelectorAll("[data-deck-notes]")];
  const part = (name) => page.querySelector(`[data-deck-${name}]`);
  const spent = {};
  let at = 0;
  let running = true;

  const clock = () => {
    const { item, minutes } = slides[at].dataset;
    const seconds = spent[item] || 0;
    part("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    part("clock").classList.toggle("bad", Number(minutes) > 0 && seconds > minutes * 60);
    part("of").textContent = Number(minutes) ? `of ${minutes} min for this item` : "";
  };
  const show = (wanted) => {
    at = Math.min(Math.max(wanted, 0), slides.length - 1);
    slides.forEach((one, place) => (one.hidden = place !== at));
    notes.forEach((one, place) => (one.hidden = place !== at));
    part("next").innerHTML = slides[at + 1]?.innerHTML || "";
    part("next").querySelectorAll("[id]").forEach((one) => one.removeAttribute("id"));
    part("place").textContent = `${at + 1} / ${slides.length}`;
    history.replaceState(null, "", `#${at + 1}`);
    clock();
  };
  const full = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else slides[0].parentElement.requestFullscreen();
  };

  page.addEventListener("click", (event) => {
    const step = event.target.closest("[data-deck-step]");
    if (step) show(at + Number(step.dataset.deckStep));
    if (event.target.closest("[data-deck-full]")) full();
    const pause = event.target.closest("[data-deck-pause]");
    if (!pause) return;
    running = !running;
    pause.setAttribute("aria-pressed", String(!running));
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select, button, a, pre") && event.key === " ") return;
    if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowRight: at + 1, PageDown: at + 1, " ": at + 1, ArrowLeft: at - 1, PageUp: at - 1, Home: 0, End: slides.length };
    if (event.key in to) {
      event.preventDefault();
      show(to[event.key]);
    } else if (event.key.toLowerCase() === "f") full();
  });
  setInterval(() => {
    if (!running) return;
    const { item } = slides[at].dataset;
    spent[item] = (spent[item] || 0) + 1;
    clock();
  }, 1000);
  window.addEventListener("hashchange", () => show((Number(location.hash.slice(1)) || 1) - 1));
  show((Number(location.hash.slice(1)) || 1) - 1);
};

if (page) start();
