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
    return { ...section, empty: section.words === 0 && inner.every((other) => other.words === 0) };
  });
}

function entry({ level, title, at, empty }, go) {
  const link = document.createElement("a");
  link.href = "#text";
  link.className = `is-${level}`;
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

export function outline(form) {
  const list = document.querySelector("[data-outline]");
  const count = document.querySelector("[data-words]");
  const body = form.elements.body;

  function go(at) {
    const lines = body.value.slice(0, at).split("\n").length - 1;
    body.focus();
    body.setSelectionRange(at, at);
    body.scrollTop = (lines / Math.max(1, body.value.split("\n").length)) * body.scrollHeight;
  }
  function draw() {
    if (count) count.textContent = `${body.value.split(/\s+/).filter(Boolean).length} words`;
    list?.replaceChildren(...sections(body.value).map((section) => entry(section, go)));
  }
  body.addEventListener("input", draw);
  draw();
}
