// Keys of the search page. Without this script every link and button works as well.
const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, dialog[open]") !== null;
const results = () => [...document.querySelectorAll(".result")];

function move(step) {
  const rows = results();
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.classList.contains("here"));
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  rows[at]?.classList.remove("here");
  next.classList.add("here");
  next.querySelector(".open").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "r") {
    const box = document.getElementById("q");
    if (box) { event.preventDefault(); box.focus(); box.select(); }
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "p") {
    const why = document.querySelector(".result.here .why");
    if (why) why.open = !why.open;
  }
});

// On a small screen the filters are folded: the results are what was asked for.
if (matchMedia("(max-width: 800px)").matches)
  for (const one of document.querySelectorAll(".facets > details")) one.open = one.querySelector("[aria-current]") !== null;

// An address is bounded: a very long question goes by a form, and comes back with its answer.
document.querySelector("form.ask")?.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.q.value.length <= Number(form.dataset.long)) return;
  const token = document.createElement("input");
  Object.assign(token, { type: "hidden", name: "csrfmiddlewaretoken" });
  token.value = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  form.append(token);
  form.method = "post";
});

// Keys of a document.
function part(step) {
  const links = [...document.querySelectorAll(".rail a")];
  if (!links.length) return;
  const at = links.findIndex((one) => one.hash === location.hash);
  links[Math.min(Math.max(at + step, 0), links.length - 1)].click();
}
if (document.querySelector(".document"))
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") part(1);
    else if (event.key === "k") part(-1);
    else if (event.key === "n") document.querySelector("[data-annotate]")?.click();
    else if (event.key === "b") document.querySelector("[data-back]")?.click();
  });

// Keys of a page of a PDF.
if (document.querySelector(".sheet"))
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const zoomed = !document.querySelector(".sheet svg.z-100") && document.activeElement?.matches(".sheet");
    if (event.key === "ArrowRight" && !zoomed) document.querySelector("a[rel=next]")?.click();
    else if (event.key === "ArrowLeft" && !zoomed) document.querySelector("a[rel=prev]")?.click();
    else if (event.key === "j") document.querySelector("[data-found='1']")?.click();
    else if (event.key === "k") document.querySelector("[data-found='-1']")?.click();
    else if (event.key === "b") document.querySelector("[data-back]")?.click();
  });
