// ul[data-agenda]: buttons, arrow keys on the grip, or dragging it move an item; minutes of the chosen are added up.
const item = (node) => node?.closest?.("[data-agenda-item]");

const move = (one, up) => {
  const other = up ? one.previousElementSibling : one.nextElementSibling;
  if (!other) return;
  if (up) other.before(one);
  else other.after(one);
};

const add = (list) => {
  const told = list.closest("fieldset")?.querySelector("[data-agenda-sum]");
  if (!told) return;
  let sum = 0;
  for (const one of list.querySelectorAll("[data-agenda-item]")) {
    const title = one.querySelector("[name^='title-']");
    if (!one.querySelector("[name='item']").checked || (title && !title.value.trim())) continue;
    sum += Number(one.querySelector("[name^='minutes-']").value) || 0;
  }
  const slot = Number(document.querySelector("[name='minutes']")?.value || list.dataset.agendaSlot);
  told.textContent = `${sum} of ${slot} min`;
  told.classList.toggle("bad", sum > slot);
};

const all = () => document.querySelectorAll("[data-agenda]").forEach(add);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-agenda-up], [data-agenda-down]");
  if (!item(button)) return;
  move(item(button), button.matches("[data-agenda-up]"));
  button.focus();
});

document.addEventListener("keydown", (event) => {
  const grip = event.target.closest?.("[data-agenda-grip]");
  if (!grip || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  move(item(grip), event.key === "ArrowUp");
  grip.focus();
});

let lifted = null;
document.addEventListener("dragstart", (event) => {
  const grip = event.target.closest?.("[data-agenda-grip]");
  if (!grip) return;
  lifted = item(grip);
  lifted.classList.add("is-lift");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
});
document.addEventListener("dragover", (event) => {
  const over = lifted && item(event.target);
  if (!over) return;
  event.preventDefault();
  if (over === lifted || over.parentElement !== lifted.parentElement) return;
  const { top, height } = over.getBoundingClientRect();
  if (event.clientY < top + height / 2) over.before(lifted);
  else over.after(lifted);
});
document.addEventListener("dragend", () => {
  lifted?.classList.remove("is-lift");
  lifted = null;
});

document.addEventListener("input", all);
all();
