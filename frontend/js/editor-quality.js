// [data-quality]: the hints on the text, asked anew after a pause in typing; [data-goto] leads to their place.
const PAUSE_MS = 2500;

export function quality(form, surface) {
  const address = form.dataset.qualityUrl;
  const boxes = document.querySelectorAll("[data-quality]");
  if (!address || !boxes.length) return;
  let timer, request;

  async function look() {
    request?.abort();
    request = new AbortController();
    const data = new FormData();
    data.set("body", surface.text());
    try {
      const response = await fetch(address, {
        method: "POST",
        headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken?.value ?? "" },
        body: data,
        signal: request.signal,
      });
      if (!response.ok || response.redirected) return;
      const html = await response.text();
      for (const box of boxes) box.innerHTML = html;
      const said = boxes[0].querySelector("[data-quality-count]");
      for (const short of document.querySelectorAll("[data-quality-short]")) short.replaceChildren(...(said?.cloneNode(true).childNodes ?? []));
    } catch {
      // The hints stay as they were; saving says what is wrong with the line.
    }
  }

  // The server counts characters, the browser UTF-16 units.
  const unit = (at) => [...surface.text()].slice(0, at).join("").length;

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-quality] [data-goto]");
    if (!button) return;
    button.closest("dialog")?.close();
    surface.select(unit(Number(button.dataset.goto)));
  });
  surface.onChange(() => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
  });
  look();
}
