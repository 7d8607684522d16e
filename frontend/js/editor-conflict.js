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

  function raise(detail) {
    theirs = { current_title: saver.text().title, ...detail };
    const who = theirs.by ? `${theirs.by} saved this text` : "This text was saved";
    const when = theirs.at ? ` at ${new Date(theirs.at).toLocaleTimeString("en-GB")}` : "";
    banner.querySelector("[data-conflict-text]").textContent =
      `${who}${when} while you were writing. Both texts are kept; nothing is lost.`;
    banner.hidden = false;
  }

  function done(fields) {
    saver.settle({ body: theirs.current_body, title: theirs.current_title });
    banner.hidden = true;
    if (dialog.open) dialog.close();
    saver.resume({ ...fields, version: theirs.current_version });
    saver.save();
  }

  const deeds = {
    compare() {
      mine.value = saver.text().body;
      draw();
      dialog.showModal();
      mine.focus();
    },
    mine: () => done({ body: dialog.open ? mine.value : saver.text().body, title: saver.text().title }),
    theirs() {
      const own = saver.text();
      const back = banner.querySelector("[data-deed=back]");
      saver.settle({ body: theirs.current_body, title: theirs.current_title });
      if (dialog.open) dialog.close();
      saver.resume({ body: theirs.current_body, title: theirs.current_title, version: theirs.current_version });
      banner.querySelector("[data-conflict-text]").textContent = "You took their text. Yours can still be brought back.";
      for (const button of banner.querySelectorAll("[data-deed]")) button.hidden = button !== back;
      back.onclick = () => {
        banner.hidden = true;
        for (const button of banner.querySelectorAll("[data-deed]")) button.hidden = button === back;
        saver.resume(own);
      };
    },
  };

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
  if (!kept || (kept.body === here.body && kept.title === here.title)) return;
  const version = form.elements.version.value;
  saver.resume({ body: kept.body, title: kept.title });
  if (kept.version === version) return;
  saver.stop();
  raise({ current_version: version, current_body: here.body, current_title: here.title });
}
