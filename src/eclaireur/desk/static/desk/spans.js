// Words chosen in a text, by mouse, finger or keys, then labelled by a figure. Every act is a plain form:
// without this script, the words are said in its two boxes.
const text = document.getElementById("texte");
const form = document.querySelector("form.tools");
const said = document.getElementById("choisi");
const typing = (target) => target.closest("input:not([type=checkbox]), textarea, select, dialog[open]") !== null;
const points = (string) => [...string].length;

// The server counts characters of the document; a browser counts in halves of some, and shows not all of them.
const piece = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest("[data-at]");

// Where an end of a range is in the document: a place in a piece, or between two of them.
function place(node, offset) {
  const inside = node.nodeType === Node.TEXT_NODE ? piece(node) : null;
  if (inside) return Number(inside.dataset.at) + points(node.data.slice(0, offset));
  const rest = document.createRange();
  rest.setStart(text, 0);
  rest.setEnd(node, offset);
  const before = [...text.querySelectorAll("[data-at]")].filter((one) => rest.comparePoint(one, one.childNodes.length) <= 0);
  const last = before.at(-1);
  return last ? Number(last.dataset.at) + points(last.textContent) : 0;
}

// The words of a range as the document has them: labels stand among them on the page alone.
function words(range) {
  let found = "";
  for (const one of text.querySelectorAll("[data-at]")) {
    const held = one.firstChild;
    if (!held || !range.intersectsNode(held)) continue;
    const from = held === range.startContainer ? range.startOffset : 0;
    const to = held === range.endContainer ? range.endOffset : held.data.length;
    found += held.data.slice(from, to);
  }
  return found;
}

let waiting;
function forget() {
  clearTimeout(waiting);
  for (const name of ["start", "end", "said"]) form.elements[name].value = "";
  said.textContent = "";
  form.classList.remove("ready");
}

function choose() {
  const selection = getSelection();
  if (!selection.rangeCount) return;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return;
  const found = range.collapsed ? "" : words(range);
  if (!found.trim()) return forget();
  form.elements.start.value = place(range.startContainer, range.startOffset);
  form.elements.end.value = place(range.endContainer, range.endOffset);
  form.elements.said.value = found;
  form.elements.de.value = form.elements.a.value = "";
  form.classList.add("ready");
  const short = found.replace(/\s+/g, " ").trim();
  // A selection that grows letter by letter is told once it stands.
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    said.textContent = `Choisi : « ${short.length > 200 ? `${short.slice(0, 200)}…` : short} »`;
    // On a small screen labels come over the foot of the page: not over what they are for.
    if (getComputedStyle(form).position !== "fixed") return;
    const under = range.getBoundingClientRect().bottom - form.getBoundingClientRect().top;
    if (under > -8) scrollBy(0, under + 24);
  }, 300);
}

// Where a character of the document is on the page: at the end of a piece rather than after its label, which
// is no place for a caret.
function spot(at) {
  const pieces = [...text.querySelectorAll("[data-at]")];
  const one = pieces.findLast((each) => Number(each.dataset.at) < at) ?? pieces[0];
  const held = one?.firstChild;
  if (!held) return [text, 0];
  return [held, [...held.data].slice(0, at - Number(one.dataset.at)).join("").length];
}

if (text && form) {
  for (const one of document.querySelectorAll(".scripted")) one.hidden = false;
  const boxes = document.querySelector(".by-words");
  boxes.open = form.elements.de.value !== "";
  // Editable, so that each browser gives the caret and the keys that its users know; nothing is ever edited.
  for (const [name, value] of Object.entries({ contenteditable: "true", role: "textbox", "aria-multiline": "true", "aria-readonly": "true", inputmode: "none", spellcheck: "false" }))
    text.setAttribute(name, value);
  for (const name of ["beforeinput", "cut", "paste", "drop", "dragstart"]) text.addEventListener(name, (event) => event.preventDefault());
  document.addEventListener("selectionchange", choose);
  for (const box of [form.elements.de, form.elements.a]) box.addEventListener("input", forget);

  // Going to the mark of the address, once the page is drawn, would take the focus away from the text.
  if (location.hash.startsWith("#mot-")) history.replaceState(null, "", location.pathname + location.search);
  if (!document.querySelector("[role=alert], .places")) {
    const chosen = form.elements.start.value !== "";
    const caret = chosen ? form.elements.end.value : text.dataset.caret;
    text.focus({ preventScroll: true });
    if (caret) {
      const from = spot(Number(chosen ? form.elements.start.value : caret));
      getSelection().setBaseAndExtent(...from, ...spot(Number(caret)));
      from[0].parentElement.scrollIntoView({ block: "center" });
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    const within = text.contains(event.target);
    // Who made single keys silent still labels from inside the text.
    if (document.documentElement.dataset.keys === "off" && !within) return;
    // With Shift too: figures of a French keyboard need it.
    const key = /^Digit[0-9]$/.test(event.code) ? event.code.slice(5) : event.key;
    if (key === "t" && !within) { event.preventDefault(); text.focus(); return; }
    const pressed = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!pressed) return;
    event.preventDefault();
    if (pressed.name === "label" && !form.elements.start.value && !form.elements.de.value.trim()) {
      said.textContent = "Choisissez d’abord des mots.";
      return;
    }
    pressed.click();
  });

  // A form sent twice would label twice.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  });
}
