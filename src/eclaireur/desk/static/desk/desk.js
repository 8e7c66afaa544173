// Keys and small comforts that every page shares. The server holds every state but one: whether keys of
// one letter are silent, which voice control and some hands need, is kept by this browser.
// The State's theme knows no media query: it is told when the system is dark.
function stateTheme() {
  const { dataset } = document.documentElement;
  if (!dataset.frTheme) return;
  dataset.frTheme = dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
stateTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", stateTheme);

const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, dialog[open]") !== null;

// Other scripts read it on the document too.
function singleKeys(on) {
  document.documentElement.dataset.keys = on ? "on" : "off";
  for (const button of document.querySelectorAll("[data-keys-switch]")) {
    button.textContent = on ? "Ne plus réagir aux touches d’une lettre" : "Réagir aux touches d’une lettre";
  }
}
singleKeys(localStorage.getItem("touches") !== "off");

document.addEventListener("keydown", (event) => {
  if (document.documentElement.dataset.keys === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    const find = document.getElementById("find");
    if (find) { event.preventDefault(); find.focus(); find.select(); }
  } else if (event.key === "?") {
    document.getElementById("touches")?.showModal();
  }
});

// An answer that cannot be shown in place: say so, and keep the page with what was typed.
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  const note = document.createElement("p");
  note.className = "note error";
  note.setAttribute("role", "alert");
  note.textContent = status === 404
    ? "Cette ligne n’existe plus, ou elle est hors de votre périmètre. Rechargez la page."
    : status === 403
      ? "Votre session a pris fin : rien n’a été enregistré. Rechargez la page, puis recommencez."
      : "Le bureau n’a pas pu répondre : rien n’a été enregistré. Réessayez dans un instant.";
  document.getElementById("contenu").prepend(note);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-open]")) document.getElementById("touches")?.showModal();
  if (event.target.closest("[data-keys-switch]")) {
    const on = document.documentElement.dataset.keys === "off";
    localStorage.setItem("touches", on ? "on" : "off");
    singleKeys(on);
  }
  const copied = event.target.closest("[data-copy]");
  if (copied) navigator.clipboard?.writeText(copied.dataset.copy).then(() => {
    const said = document.createElement("span");
    said.role = "status";
    copied.after(said);
    said.textContent = " copié"; // once it is there: a live region says what changes in it
    setTimeout(() => said.remove(), 4000);
  });
  if (event.target.closest("[data-theme-switch]")) {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    stateTheme();
    const [start, end] = location.protocol === "https:" ? ["__Host-", "; secure"] : ["", ""];
    document.cookie = `${start}theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${end}`;
  }
});
