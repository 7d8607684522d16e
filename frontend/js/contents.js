// [data-contents]: the section that is being read is the current one in the list of contents.
const list = document.querySelector("[data-contents]");
const links = new Map([...(list?.querySelectorAll("a[href^='#']") ?? [])].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
const heads = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);

function follow() {
  const read = heads.filter((head) => head.getBoundingClientRect().top < 96).at(-1) ?? heads[0];
  for (const [id, link] of links) {
    if (id === read.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

if (heads.length) {
  addEventListener("scroll", follow, { passive: true });
  follow();
}
