// [data-present]: who else has this text open.
export function present(awareness) {
  const box = document.querySelector("[data-present]");
  if (!box) return;

  function draw() {
    const people = new Map();
    for (const { user } of awareness.getStates().values()) if (user) people.set(user.id, user);
    box.hidden = people.size < 2;
    const faces = [...people.values()].slice(0, 6).map((user) => {
      const face = document.createElement("span");
      face.className = `av is-p${user.colour}`;
      face.title = user.name;
      face.textContent = user.initials;
      return face;
    });
    const words = document.createElement("span");
    words.className = "xs mut";
    words.textContent = `${people.size} here`;
    words.title = [...people.values()].map((user) => user.name).join(", ");
    box.replaceChildren(words, ...faces);
  }

  awareness.on("change", draw);
  draw();
}
