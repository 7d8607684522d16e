// [data-lesson-from]: whoever selects words of this text is offered to make a lesson of them.
const LONGEST = 2000;
let offer;

function shown() {
  offer ??= Object.assign(document.createElement("a"), { className: "btn btn-primary lesson-offer", textContent: "Make a lesson" });
  if (!offer.isConnected) document.body.append(offer);
  return offer;
}

function update() {
  const selection = document.getSelection();
  const root = selection.rangeCount && selection.anchorNode?.parentElement?.closest("[data-lesson-from]");
  const words = root ? selection.toString().trim() : "";
  if (words.length < 8 || !root.contains(selection.focusNode)) {
    offer?.remove();
    return;
  }
  const at = selection.getRangeAt(0).getBoundingClientRect();
  const link = shown();
  link.href = `${root.dataset.lessonFrom}&quote=${encodeURIComponent(words.slice(0, LONGEST))}`;
  // A style of its own through the CSSOM, which the page's policy allows.
  link.style.top = `${at.bottom + scrollY + 6}px`;
  link.style.left = `${Math.max(8, Math.min(at.left + scrollX, scrollX + innerWidth - 150))}px`;
}

if (document.querySelector("[data-lesson-from]")) document.addEventListener("selectionchange", update);
