// One picture on the wire, and the row under the toolbar that says how it goes.
export function upload(address, token, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    data.set("picture", file, file.name || "picture");
    request.open("POST", address);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new Error("Not uploaded: no connection.")));
    request.addEventListener("load", () => {
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // A page in place of JSON: the sign-in, or an error.
      }
      if (request.status === 201 && answer?.address) return resolve(answer);
      const reason = answer?.errors?.picture ? `the picture ${answer.errors.picture}` : `the server answered ${request.status}`;
      reject(new Error(`Not uploaded: ${reason}.`));
    });
    request.send(data);
  });
}

function list(form) {
  const known = form.querySelector("[data-uploads]");
  if (known) return known;
  const made = document.createElement("ul");
  made.dataset.uploads = "";
  made.className = "uploads";
  made.setAttribute("aria-label", "Pictures on their way");
  form.querySelector(".wr-text > .pane-h")?.after(made);
  return made;
}

function button(words, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-xs", textContent: words });
  made.addEventListener("click", act);
  return made;
}

export function uploadRow(form, name) {
  const row = document.createElement("li");
  const said = document.createElement("span");
  const meter = Object.assign(document.createElement("progress"), { max: 1 });
  said.setAttribute("role", "status");
  list(form).append(row);
  const done = () => row.remove();
  return {
    begin() {
      meter.removeAttribute("value");
      meter.setAttribute("aria-label", `Uploading ${name}`);
      said.textContent = `Uploading ${name}`;
      said.className = "sm mut";
      row.replaceChildren(said, meter);
    },
    progress: (share) => (meter.value = share),
    offer(words, deed, act, giveUp = () => {}) {
      said.textContent = `${name}: ${words}`;
      said.className = "sm bad";
      const close = button("Leave it out", () => (giveUp(), done()));
      row.replaceChildren(said, button(deed, act), close);
    },
    done,
  };
}
