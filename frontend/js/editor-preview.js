// The server's one renderer, 300 ms after typing stops; answers that come late are dropped.
const PAUSE_MS = 300;

export function preview(form, surface) {
  const pane = document.querySelector("[data-preview]");
  if (!pane) return;
  const token = form.elements.csrfmiddlewaretoken;
  let timer, request;

  async function draw() {
    request?.abort();
    request = new AbortController();
    const data = new FormData();
    data.set("body", surface.text());
    try {
      const response = await fetch(form.dataset.previewUrl, {
        method: "POST",
        headers: { "X-CSRFToken": token?.value ?? "" },
        body: data,
        signal: request.signal,
      });
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      pane.innerHTML = await response.text();
      pane.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name !== "AbortError") pane.setAttribute("aria-busy", "true");
    }
  }

  function follow() {
    const scroller = pane.closest(".wr-prev") || pane;
    const text = surface.scroller();
    const share = text.scrollTop / Math.max(1, text.scrollHeight - text.clientHeight);
    scroller.scrollTop = share * (scroller.scrollHeight - scroller.clientHeight);
  }

  surface.onChange(() => {
    clearTimeout(timer);
    timer = setTimeout(draw, PAUSE_MS);
  });
  form.querySelector(".wr-text")?.addEventListener("scroll", follow, { passive: true, capture: true });
  for (const button of document.querySelectorAll("[data-preview-toggle]")) {
    button.addEventListener("click", () => {
      const on = document.querySelector(".wr").classList.toggle("is-preview");
      button.setAttribute("aria-pressed", String(on));
    });
  }
  if (!pane.hasChildNodes()) draw();
}
