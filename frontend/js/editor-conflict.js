// A stale save: both texts stay, side by side, until a person chose. [data-conflict] is the banner, [data-merge] the dialog.
import { compare } from "./editor-diff.js";

function lines(box, rows, kind) {
  box.replaceChildren(
    ...rows.map(({ line, same }) => {
      const row = document.createElement("span");
      row.textContent = line || " ";
      if (!same) row.className = kind;
      return row;
    }),
  );
}

export function conflicts(form, saver) {
  const banner = document.querySelector("[data-conflict]");
  const dialog = document.querySelector("dialog[data-merge]");
  if (!banner || !dialog) return;
  const mine = dialog.querySelector("[data-mine]");
  let theirs = null;

  function draw() {
    const [left] = compare(theirs.current_body, mine.value);
    lines(dialog.querySelector("[data-theirs]"), left, "is-out");
  }

  function show(words, ...shown) {
    banner.querySelector("[data-conflict-text]").textContent = words;
    for (const button of banner.querySelectorAll("[data-deed]")) button.hidden = !shown.includes(button.dataset.deed);
    banner.hidden = false;
  }

  function raise(detail) {
    theirs = { current_title: saver.text().title, ...detail };
    const who = theirs.by ? `${theirs.by} saved this text` : "This text was saved";
    const when = theirs.at ? ` at ${new Date(theirs.at).toLocaleTimeString("en-GB")}` : "";
    show(`${who}${when} while you were writing. Both texts are kept; nothing is lost.`, "compare", "mine", "theirs");
  }

  function settle(fields) {
    if (dialog.open) dialog.close();
    saver.settle({ body: theirs.current_body, title: theirs.current_title });
    saver.resume({ ...fields, version: theirs.current_version });
  }

  const own = () => ({ ...saver.text(), ...(dialog.open ? { body: mine.value } : {}) });
  const deeds = {
    compare() {
      mine.value = saver.text().body;
      draw();
      dialog.showModal();
      mine.focus();
    },
    mine() {
      banner.hidden = true;
      settle(own());
      saver.save();
    },
    theirs() {
      saver.aside.keep(own());
      settle({ body: theirs.current_body, title: theirs.current_title });
      offerAside();
    },
    back() {
      banner.hidden = true;
      const { body, title } = saver.aside.read();
      saver.resume({ body, title });
      saver.aside.forget();
    },
    forget() {
      banner.hidden = true;
      saver.aside.forget();
    },
  };

  function offerAside() {
    if (saver.aside.read()) show("A text of yours was set aside for another one. It is kept in this browser.", "back", "forget");
  }

  for (const scope of [banner, dialog]) {
    scope.addEventListener("click", (event) => {
      const deed = event.target.closest("[data-deed]")?.dataset.deed;
      deeds[deed]?.();
    });
  }
  mine.addEventListener("input", draw);
  form.addEventListener("editor:conflict", (event) => raise(event.detail));

  // What this browser kept from a visit that ended before its save.
  const kept = saver.kept.read();
  const here = saver.text();
  if (!kept || (kept.body === here.body && kept.title === here.title)) return offerAside();
  const version = saver.version();
  saver.resume({ body: kept.body, title: kept.title });
  if (kept.version === version) return;
  saver.stop();
  raise({ current_version: version, current_body: here.body, current_title: here.title });
}
