// form[data-autosubmit]: a changed filter is sent at once, text after a pause; empty fields stay out of the address.
let pause;

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (form && event.target.type !== "search") form.requestSubmit();
});
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (!form || event.target.type !== "search") return;
  clearTimeout(pause);
  // A fresh list may have taken the form's place meanwhile.
  pause = setTimeout(() => form.isConnected && form.requestSubmit(), 500);
});
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});
