// Keys of the intake desk, and the link between a sentence and its sources. Every link works without it.
const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, dialog[open]") !== null;

function light(sentence) {
  for (const one of document.querySelectorAll(".lit")) one.classList.remove("lit");
  if (!sentence) return;
  sentence.classList.add("lit");
  for (const number of sentence.dataset.sources.split(" ")) {
    const source = document.getElementById(`source-${number}`);
    source?.classList.add("lit");
  }
}
for (const kind of ["focusin", "mouseover"])
  document.addEventListener(kind, (event) => {
    const sentence = event.target.closest?.("[data-sources]");
    if (sentence) light(sentence);
  });
document.addEventListener("click", (event) => {
  const sentence = event.target.closest("[data-sources]");
  if (!sentence || event.target.closest("a")) return;
  light(sentence);
  const source = document.querySelector(".sources .lit");
  const passage = source?.querySelector("details");
  if (passage) passage.open = true;
  source?.scrollIntoView({ block: "nearest" });
});
document.addEventListener("keydown", (event) => {
  const sentence = event.target.closest?.("[data-sources]");
  if (sentence && event.key === "Enter" && !event.target.closest("a")) sentence.click();
});

function move(step) {
  const rows = [...document.querySelectorAll(".mail .open")];
  if (!rows.length) return void document.querySelector(step > 0 ? "[rel=next]" : "[rel=prev]")?.click();
  const at = rows.findIndex((row) => row.closest(".mail").classList.contains("here"));
  rows[at]?.closest(".mail").classList.remove("here");
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  next.closest(".mail").classList.add("here");
  next.focus();
}

document.addEventListener("keydown", (event) => {
  if (document.documentElement.dataset.keys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const acts = {
    j: () => move(1),
    k: () => move(-1),
    r: () => document.getElementById("q")?.focus(),
    b: () => document.querySelector("[data-back]")?.click(),
    o: () => document.getElementById("route")?.focus(),
    p: () => { const why = document.querySelector(".why"); if (why) why.open = !why.open; },
    m: () => {
      const edit = document.querySelector(".edit");
      if (edit) { edit.open = true; document.getElementById("text").focus(); }
    },
  };
  if (acts[event.key]) { event.preventDefault(); acts[event.key](); }
});

// The time spent on a message, from when it was first opened.
const form = document.querySelector("[data-opened]");
const spent = document.querySelector("[data-spent]");
function tell() {
  const minutes = Math.floor((Date.now() - Date.parse(form.dataset.opened)) / 60000);
  spent.textContent = minutes < 1 ? "Ouvert depuis moins d’une minute" : `Ouvert depuis ${minutes} min`;
}
if (form?.dataset.opened && spent) { tell(); setInterval(tell, 30000); }
// On a small screen the filters are folded.
if (matchMedia("(max-width: 800px)").matches)
  for (const one of document.querySelectorAll(".facets > details")) one.open = one.querySelector("[aria-current]") !== null;
