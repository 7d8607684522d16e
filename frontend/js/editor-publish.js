// form[data-publish]: what is published is the text on the screen, so it is saved first; a stale save publishes nothing.
export function publishing(saver) {
  const form = document.querySelector("form[data-publish]");
  if (!form) return;
  const version = form.elements.version;
  form.addEventListener("submit", async (event) => {
    version.value = saver.version();
    if (saver.clean()) return;
    event.preventDefault();
    await saver.save();
    if (!saver.clean()) await saver.save();
    if (!saver.clean()) return;
    version.value = saver.version();
    form.submit();
  });
}
