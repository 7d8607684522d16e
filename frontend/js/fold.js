// details[data-fold-narrow]: open beside what it is about, closed where it would stand before it.
const narrow = matchMedia("(max-width: 991.98px)");

function fold() {
  for (const one of document.querySelectorAll("details[data-fold-narrow]")) one.open = !narrow.matches;
}

fold();
narrow.addEventListener("change", fold);
