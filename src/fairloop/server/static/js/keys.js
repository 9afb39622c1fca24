// Shortcuts: "/" search, "?" help, "g" and a letter to go somewhere, Escape to close, and a page's own keys (data-press).
const help = document.getElementById("shortcuts");
const typing = (node) => node.closest?.("input, textarea, select, [contenteditable]");
let going = 0;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    const box = document.getElementById("search");
    box?.focus();
    box?.select();
  } else if (event.key === "?") {
    help?.showModal();
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1200) {
    going = 0;
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (!event.repeat) {
    document.querySelector(`[data-press="${CSS.escape(event.key)}"]`)?.click();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-shortcuts]")) help?.showModal();
  if (event.target === help || event.target.closest?.("[data-close]")) help?.close();
});
