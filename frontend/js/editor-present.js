// [data-present]: who else has this text open. The server says who they are.
export function present(awareness, me) {
  const box = document.querySelector("[data-present]");
  if (!box) return;

  function draw() {
    const people = new Map();
    for (const { user } of awareness.getStates().values()) if (user && String(user.id) !== me) people.set(user.id, user);
    box.hidden = people.size === 0;
    const faces = [...people.values()].slice(0, 6).map((user) => {
      const face = document.createElement("span");
      face.className = `av is-p${user.colour}`;
      face.title = user.name;
      face.textContent = user.initials;
      return face;
    });
    const words = document.createElement("span");
    words.className = "xs mut";
    words.textContent = `${people.size + 1} here`;
    words.title = ["You", ...[...people.values()].map((user) => user.name)].join(", ");
    box.replaceChildren(words, ...faces);
  }

  awareness.on("change", draw);
  // A state that was never set again is not heard by others.
  awareness.setLocalStateField("here", true);
  draw();
}
