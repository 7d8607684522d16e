// form[data-publish]: what is published is the text on the screen, so it is saved first; a stale save publishes nothing.
const PATIENCE_MS = 10000;

const late = () => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null));

export function publishing(saver, group, surface) {
  const form = document.querySelector("form[data-publish]");
  if (!form) return;
  const version = form.elements.version;
  let busy = false;

  // The version that holds the text on the screen; null when the server does not have all of it.
  async function saved() {
    if (group.active()) return group.line.state().line === "open" ? Promise.race([group.settled(), late()]) : null;
    for (let attempt = 0; attempt < 2 && !saver.clean(); attempt += 1) await saver.save();
    return saver.clean() ? saver.version() : null;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const found = await saved();
    busy = false;
    if (found === null) {
      form.closest("dialog")?.close();
      surface.notice("Not published: the text is not saved yet. Publish again once it is.");
      return;
    }
    version.value = found;
    form.submit();
  });
}
