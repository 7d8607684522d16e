// One save on the wire. The answer in one word: saved, conflict, later (try again), signed-out or refused.
async function json(response) {
  const isJson = (response.headers.get("Content-Type") || "").includes("json");
  return isJson ? response.json() : null;
}

export async function send(form) {
  let response;
  try {
    response = await fetch(form.dataset.autosaveUrl, {
      method: "POST",
      headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken?.value ?? "", Accept: "application/json" },
      body: new FormData(form),
    });
  } catch {
    return { outcome: "later", words: "no connection" };
  }
  const { status } = response;
  if (status >= 500 || status === 429) return { outcome: "later", words: `the server answered ${status}` };
  const answer = await json(response).catch(() => null);
  if (response.ok && answer?.version !== undefined) return { outcome: "saved", answer };
  if (status === 409 && answer) return { outcome: "conflict", answer };
  if (response.redirected || status === 401 || (status === 403 && !answer)) return { outcome: "signed-out" };
  return { outcome: "refused", words: answer?.detail || `the server answered ${status}` };
}
