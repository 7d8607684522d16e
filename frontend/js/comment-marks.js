// [data-commented]: a rendered text in which the words are marked that the open threads of #comments are about.
const panel = () => document.getElementById("comments");

// The text of a page as one line, with the node and offset of each character.
function lineOf(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const places = [];
  let text = "";
  while (walker.nextNode()) {
    const { data } = walker.currentNode;
    for (let at = 0; at < data.length; at += 1) {
      const char = /\s/.test(data[at]) ? " " : data[at];
      if (char === " " && text.endsWith(" ")) continue;
      text += char;
      places.push([walker.currentNode, at]);
    }
  }
  return { text, places };
}

// The words of a quote without its Markdown; null where they are not there as one stretch.
function rangeOf(quote, { text, places }) {
  const named = quote.replace(/!?\[\[([^\]\s]+)[^\]]*\]\]/g, "$1");
  const wanted = named.replace(/[*_`~#>|]+/g, "").replace(/\s+/g, " ").trim();
  const from = wanted.length > 1 ? text.indexOf(wanted) : -1;
  if (from < 0) return null;
  const range = document.createRange();
  range.setStart(...places[from]);
  const [node, at] = places[from + wanted.length - 1];
  range.setEnd(node, at + 1);
  return range;
}

const shown = () => document.querySelector("[data-commented]");

function mark() {
  if (!shown() || !panel() || !window.Highlight) return;
  const line = lineOf(shown());
  const quotes = [...panel().querySelectorAll("[data-thread][data-quote]")].map((one) => one.dataset.quote).filter(Boolean);
  CSS.highlights.set("comment", new Highlight(...quotes.map((quote) => rangeOf(quote, line)).filter(Boolean)));
}

document.addEventListener("click", (event) => {
  const thread = shown() && event.target.closest("[data-jump]")?.closest("[data-thread]");
  const range = thread && rangeOf(thread.dataset.quote, lineOf(shown()));
  range?.startContainer.parentElement.scrollIntoView({ block: "center" });
});
mark();
document.addEventListener("htmx:load", (event) => event.target.id === "comments" && mark());
