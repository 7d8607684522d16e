// [data-outline]: the headings of the text, those with nothing under them marked "empty"; a click goes to the line.
function sections(text) {
  const found = [];
  let at = 0;
  let fence = "";
  for (const line of text.split("\n")) {
    const mark = line.match(/^\s{0,3}(```+|~~~+)/)?.[1];
    if (mark && (!fence || mark.startsWith(fence))) fence = fence ? "" : mark;
    const heading = fence ? null : line.match(/^(#{2,3})\s+(.+?)\s*#*$/);
    if (heading) found.push({ level: heading[1].length, title: heading[2], at, words: 0 });
    else if (found.length && !/^\s*(<!--.*-->)?\s*$/.test(line)) found.at(-1).words += line.trim().split(/\s+/).length;
    at += line.length + 1;
  }
  return found.map((section, index) => {
    const below = found.slice(index + 1);
    const end = below.findIndex((other) => other.level <= section.level);
    const inner = end < 0 ? below : below.slice(0, end);
    const stop = end < 0 ? text.length : below[end].at;
    return { ...section, stop, empty: section.words === 0 && inner.every((other) => other.words === 0) };
  });
}

function entry({ level, title, at, stop, empty }, go) {
  const link = document.createElement("a");
  link.href = "#text";
  link.className = `is-${level}`;
  Object.assign(link.dataset, { at, end: stop });
  link.append(title.replace(/[*_`]/g, ""));
  if (empty) {
    const mark = document.createElement("span");
    mark.className = "end xs warn";
    mark.textContent = "empty";
    link.append(mark);
  }
  link.addEventListener("click", (event) => {
    event.preventDefault();
    go(at);
  });
  return link;
}

export function outline(_form, surface) {
  const list = document.querySelector("[data-outline]");
  const count = document.querySelector("[data-words]");

  function draw() {
    const text = surface.text();
    if (count) count.textContent = `${text.split(/\s+/).filter(Boolean).length} words`;
    list?.replaceChildren(...sections(text).map((section) => entry(section, surface.select)));
    list?.dispatchEvent(new CustomEvent("outline:drawn", { bubbles: true }));
  }
  surface.onChange(draw);
  draw();
}
