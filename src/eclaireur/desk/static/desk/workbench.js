// The workbench by keyboard: numbers change the tab, `c` goes to the parameters. Each key presses a link of the page.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, select, textarea, [contenteditable], .map-frame")) return;
  if (event.key === "c") {
    const field = document.querySelector("#parametres :is(select, input:not([type=hidden]), textarea)");
    if (field) { event.preventDefault(); field.focus(); }
  }
  if (/^[1-6]$/.test(event.key)) document.querySelectorAll(".bench-right .tabs a")[Number(event.key) - 1]?.click();
});
