// Who wrote in a section last, as the page was opened: the title of its entry in the outline.
const told = JSON.parse(document.getElementById("section-authors")?.textContent || "[]");
const byTitle = new Map(told.map((one) => [one.title.replace(/[*_`]/g, ""), one]));

document.addEventListener("outline:drawn", (event) => {
  for (const link of event.target.querySelectorAll("a")) {
    const one = byTitle.get(link.firstChild?.data);
    if (one) link.title = `${one.by}, ${new Date(one.at).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })}`;
  }
});
