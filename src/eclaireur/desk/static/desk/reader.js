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
  } else if (event.key === "v") document.querySelector(".result.here .in-pdf")?.click();
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

// Words and titles proposed while typing. The box is a combobox: arrows choose, Enter takes a word or opens
// the document of a title, Escape lets go.
const box = document.getElementById("q");
const ends = document.getElementById("fins");
if (box && ends) {
  const said = document.getElementById("fins-dit");
  let asked = 0, waiting, chosen = -1;
  const caret = () => box.selectionStart ?? box.value.length;
  const close = () => {
    clearTimeout(waiting);
    asked += 1;
    chosen = -1;
    ends.hidden = true;
    ends.replaceChildren();
    said.textContent = "";
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const options = () => [...ends.querySelectorAll("[role=option]")];
  const choose = (at) => {
    const rows = options();
    chosen = (at + rows.length) % rows.length;
    rows.forEach((row, number) => row.setAttribute("aria-selected", String(number === chosen)));
    box.setAttribute("aria-activedescendant", rows[chosen].id);
    rows[chosen].scrollIntoView({ block: "nearest" });
  };
  const take = (row) => {
    if (row.dataset.address) { location.assign(row.dataset.address); return; }
    const before = box.value.slice(0, caret()).replace(/[\p{L}\p{M}]+$/u, row.textContent);
    const after = box.value.slice(caret()).replace(/^[\p{L}\p{M}]+/u, "");
    const space = /^\s/.test(after) ? "" : " ";
    box.value = before + space + after;
    box.setSelectionRange(before.length + 1, before.length + 1);
    close();
  };
  const counted = (n, noun) => (n ? `${n} ${noun}${n > 1 ? "s" : ""}` : "");
  const show = ({ words, titles }) => {
    if (!words.length && !titles.length) return close();
    const option = (text, at, address) => {
      const row = Object.assign(document.createElement("div"), { id: `fin-${at}`, textContent: text });
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      if (address) row.dataset.address = address;
      row.addEventListener("pointerdown", (event) => { event.preventDefault(); take(row); });
      return row;
    };
    const rows = words.map((word, at) => option(word, at));
    if (titles.length) {
      const group = document.createElement("div");
      const head = Object.assign(document.createElement("span"), { className: "soft", id: "fins-documents", textContent: "Ouvrir un document" });
      group.setAttribute("role", "group");
      group.setAttribute("aria-labelledby", head.id);
      head.setAttribute("aria-hidden", "true");
      group.append(head, ...titles.map(({ title, address }, at) => option(title, words.length + at, address)));
      rows.push(group);
    }
    ends.replaceChildren(...rows);
    chosen = -1;
    ends.hidden = false;
    box.setAttribute("aria-expanded", "true");
    said.textContent = `À choisir : ${[counted(words.length, "mot"), counted(titles.length, "titre")].filter(Boolean).join(" et ")}`;
  };
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": "fins", "aria-expanded": "false" })) box.setAttribute(name, value);
  box.addEventListener("input", () => {
    const typed = box.value.slice(0, caret());
    if (typed.length > 1000 || !/[\p{L}\p{M}\p{N}]$/u.test(typed)) return close();
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const mine = (asked += 1);
      const sent = new URLSearchParams(new FormData(box.form));
      sent.set("q", typed);
      try {
        const answer = await fetch(`${box.dataset.complete}?${sent}`, { headers: { Accept: "application/json" } });
        if (mine === asked && answer.ok) show(await answer.json());
      } catch { close(); }
    }, 150);
  });
  box.addEventListener("keydown", (event) => {
    if (ends.hidden) return;
    if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen < 0 ? -1 : chosen - 1); }
    else if (event.key === "Escape") { event.preventDefault(); close(); }
    else if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); take(options()[chosen]); }
  });
  box.addEventListener("blur", close);
}

// A period on the figure of dates: from one bar to another, by dragging or by Shift and the arrows.
const bars = [...document.querySelectorAll(".histogram a[data-at]")];
if (bars.length > 1) {
  const figure = document.querySelector(".histogram svg");
  const told = document.getElementById("periode");
  for (const one of document.querySelectorAll(".histogram .scripted")) one.hidden = false;
  let from = null, range = null, dragged = false;
  const select = (a, b) => {
    const low = Math.min(a, b), high = Math.max(a, b);
    range = bars.filter((bar) => Number(bar.dataset.at) >= low && Number(bar.dataset.at) <= high);
    for (const bar of bars) bar.classList.toggle("in", range.includes(bar));
    const total = range.reduce((sum, bar) => sum + Number(bar.dataset.n), 0);
    told.textContent = range.length
      ? `Du ${range[0].dataset.since} au ${range.at(-1).dataset.until} : ${total.toLocaleString("fr-FR")} document${total > 1 ? "s" : ""}.`
      : "";
  };
  const forget = () => { from = range = null; dragged = false; told.textContent = ""; for (const bar of bars) bar.classList.remove("in"); };
  const open = () => {
    if (!range?.length) return forget();
    const form = document.querySelector("form.ask");
    form.du.value = range[0].dataset.since;
    form.au.value = range.at(-1).dataset.until;
    form.requestSubmit();
  };
  const under = (event) => {
    const place = figure.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - place.left) / place.width, 0), 0.9999);
    return Math.floor(share * Number(figure.dataset.bars));
  };
  figure.addEventListener("dragstart", (event) => event.preventDefault());
  figure.addEventListener("pointerdown", (event) => { if (event.button === 0) { from = under(event); dragged = false; } });
  addEventListener("pointermove", (event) => {
    if (from === null || !(event.buttons & 1)) return;
    const at = under(event);
    dragged ||= at !== from;
    if (dragged) select(from, at);
  });
  addEventListener("pointerup", () => { if (from !== null && dragged) open(); from = null; });
  addEventListener("pointercancel", forget);
  figure.addEventListener("click", (event) => { if (dragged) { event.preventDefault(); dragged = false; } }, true);
  let anchor = null;
  figure.addEventListener("keydown", (event) => {
    const at = bars.indexOf(document.activeElement);
    if (at < 0) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = bars[Math.min(Math.max(at + step, 0), bars.length - 1)];
      if (!event.shiftKey) { anchor = null; forget(); }
      else { anchor ??= at; select(Number(bars[anchor].dataset.at), Number(next.dataset.at)); }
      next.focus();
    } else if (event.key === "Enter" && range) { event.preventDefault(); open(); }
    else if (event.key === "Escape" && range) { event.preventDefault(); anchor = null; forget(); }
  });
}

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
    else if (event.key === "e") document.querySelector("[data-label]")?.click();
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
