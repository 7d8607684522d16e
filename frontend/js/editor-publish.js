// form[data-publish]: what is published is the text on the screen, so it is saved first; a stale save publishes nothing.
export function publishing(saver, group) {
  const form = document.querySelector("form[data-publish]");
  if (!form) return;
  const version = form.elements.version;

  async function saved() {
    if (group.active()) {
      version.value = await group.settled();
      return true;
    }
    for (let attempt = 0; attempt < 2 && !saver.clean(); attempt += 1) await saver.save();
    version.value = saver.version();
    return saver.clean();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await saved()) form.submit();
  });
}
