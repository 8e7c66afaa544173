// The target desk by keyboard. The server holds every state; this only moves, opens and presses.
const wide = () => matchMedia("(min-width: 901px)").matches;
const lines = () => [...document.querySelectorAll(".line[data-dossier]")];
const sheet = () => document.getElementById("fiche");
let here = -1;
let anchor = -1;
let dossier = ""; // number of the line that is marked
let opened = ""; // address of the sheet that was last asked for

function move(step) {
  const all = lines();
  if (!all.length) return;
  here = Math.min(Math.max(here + step, 0), all.length - 1);
  mark(all);
  all[here].querySelector(".open").focus({ preventScroll: true });
  all[here].scrollIntoView({ block: "nearest" });
}

function mark(all) {
  dossier = all[here].dataset.dossier;
  all.forEach((line, at) => line.classList.toggle("here", at === here));
}

// The list is written again under who works: the same line is marked, and what is typed elsewhere goes on.
function rewritten() {
  const all = lines();
  if (!all.length) return;
  const same = all.findIndex((line) => line.dataset.dossier === dossier);
  here = same >= 0 ? same : Math.min(Math.max(here, 0), all.length - 1);
  if (document.activeElement?.closest("#fiche, dialog, .bulk")) mark(all);
  else move(0);
}

function open(link) {
  if (!wide() || document.querySelector(".panes.alone")) { location.assign(link.href); return; }
  opened = new URL(link.href).pathname;
  htmx.ajax("GET", link.href, { source: sheet(), target: "#fiche", swap: "innerHTML" }).catch(() => {}); // replaced by the next
}

function choose(upTo) {
  const all = lines();
  if (here < 0) return;
  const start = upTo && anchor >= 0 ? Math.min(anchor, here) : here;
  const end = upTo && anchor >= 0 ? Math.max(anchor, here) : here;
  const box = (at) => all[at].querySelector("input[type=checkbox]");
  const on = upTo ? true : !box(here).checked;
  for (let at = start; at <= end; at += 1) box(at).checked = on;
  anchor = here;
  count();
}

function count() {
  const form = document.getElementById("lot");
  if (!form) return;
  const chosen = document.querySelectorAll('.line input[name="dossier"]:checked').length;
  form.hidden = chosen === 0;
  form.querySelector("[data-chosen]").textContent = chosen;
}

function show(act) {
  document.querySelectorAll("#lot [data-for]").forEach((part) => { part.hidden = part.dataset.for !== act; });
}

const press = (name) => sheet()?.querySelector(`[data-act="${name}"]`)?.click();
const enter = (id) => {
  const field = document.getElementById(id);
  if (field) { field.closest("details")?.setAttribute("open", ""); field.focus(); }
};

async function toggleMap() {
  const pane = document.getElementById("carte");
  const button = document.querySelector("[data-map-open]");
  if (!pane || !button) return;
  pane.hidden = !pane.hidden;
  button.setAttribute("aria-expanded", String(!pane.hidden));
  document.querySelector(".panes").classList.toggle("with-map", !pane.hidden);
  if (!pane.hidden && pane.dataset.module) {
    const { draw } = await import(pane.dataset.module);
    draw(pane);
  }
}

const KEYS = {
  j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
  s: () => press("follow"), e: () => press("set_aside"), o: () => press("other"), z: () => press("undo"),
  u: () => press("useful"), n: () => press("useless"),
  c: () => enter("comment"), a: () => enter("assign"),
  x: () => choose(false), X: () => choose(true), m: toggleMap,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]")) return;
  if (event.key.length === 1 && document.documentElement.dataset.keys === "off") return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest(".line .open");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && wide()) {
    event.preventDefault();
    here = lines().indexOf(link.closest(".line"));
    move(0);
    open(link);
  }
  if (event.target.closest('[data-act="set_aside"]')) document.getElementById("ecarter")?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  if (event.target.closest("[data-map-open]")) toggleMap();
});

document.addEventListener("change", (event) => {
  if (event.target.name === "dossier") count();
  if (event.target.id === "act") show(event.target.value);
});

// An answer about a sheet that was left meanwhile must not cover the one that is read now.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, pathInfo, requestConfig, xhr } = event.detail;
  if (target.id !== "fiche" || !opened || pathInfo.requestPath.includes(opened)) return;
  event.detail.shouldSwap = false;
  if (xhr.status >= 400) { refused(pathInfo.requestPath); return; }
  // Its form is gone with that sheet, and what it says to the list is lost there: say it here.
  if (xhr.getResponseHeader("HX-Trigger") && !requestConfig.elt.isConnected) htmx.trigger(document.body, "lignes");
});

// What was refused on a sheet that is no longer shown would be lost without a word.
function refused(path) {
  const [address, number] = path.match(/^.*\/dossiers\/(\d+)\//) ?? [];
  if (!number) return;
  const note = document.createElement("p");
  note.className = "note error";
  note.setAttribute("role", "alert");
  const link = document.createElement("a");
  link.href = address;
  link.textContent = document.querySelector(`.line[data-dossier="${number}"] .name`)?.textContent ?? "cette ligne";
  note.append("Rien n’a été enregistré pour « ", link, " » : rouvrez sa fiche pour savoir pourquoi.");
  document.getElementById("contenu").prepend(note);
}

// The map opens a sheet as a line does.
document.addEventListener("ouvrir", (event) => open({ href: new URL(event.detail, location.href).href }));

document.addEventListener("htmx:afterSwap", (event) => {
  document.querySelector("dialog[data-reopen]")?.showModal();
  if (event.target.id === "liste" || event.detail.target?.id === "liste") { rewritten(); count(); }
});

document.querySelector("dialog[data-reopen]")?.showModal();

// On a wide screen the first line that waits is open at once: the work is there, nothing to look for.
if (wide() && document.querySelector(".panes:not(.alone) #fiche:not(:has([data-dossier]))") && lines().length) {
  const all = lines();
  here = Math.max(all.findIndex((line) => !line.classList.contains("judged")), 0);
  mark(all);
  open(all[here].querySelector(".open"));
}
