// What every page does: menus, copying, local times, keyboard shortcuts, tables, charts that come into view.
import "./keys.js";
import { enhanceTables } from "./tables.js";

const pad = (n) => String(n).padStart(2, "0");
const UNITS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];

function ago(date) {
  const seconds = (Date.now() - date) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  const [, unit, word] = UNITS.find(([limit]) => size < limit);
  const text = `${Math.floor(size / unit)} ${word}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

function times(scope) {
  for (const node of scope.querySelectorAll("time[datetime]")) {
    const date = new Date(node.dateTime);
    if (Number.isNaN(date.valueOf())) continue;
    node.title = date.toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });
    if (node.dataset.show === "clock") node.textContent = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
    else if (node.dataset.show !== "as-is") node.textContent = ago(date);
  }
}

const LOADERS = [
  ["[data-chart]", () => import("./charts.js"), "draw"],
  ["[data-live-metrics]", () => import("./metrics.js"), "watch"],
  ["[data-dag]", () => import("./dag.js"), "draw"],
  ["[data-loop]", () => import("./loop.js"), "draw"],
];

function enhance(scope) {
  times(scope);
  enhanceTables(scope);
  for (const [selector, load, name] of LOADERS) {
    const nodes = [...scope.querySelectorAll(selector)].filter((n) => !n.dataset.drawn);
    if (scope.matches?.(selector) && !scope.dataset.drawn) nodes.push(scope);
    if (!nodes.length) continue;
    for (const node of nodes) node.dataset.drawn = "1";
    load().then((module) => nodes.forEach((node) => module[name](node)));
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) {
    await navigator.clipboard?.writeText(button.dataset.copy).catch(() => {});
    button.dataset.copied = "1";
    setTimeout(() => delete button.dataset.copied, 1400);
  }
  if (event.target.closest?.("[data-rail]")) document.body.classList.toggle("rail-open");
  if (event.target.closest?.("[data-print]")) window.print();
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
});
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-send-on-change]");
  if (form) form.requestSubmit();
});

// Nobody loses a half-written reason because the part around it has news: it waits until the field is left.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const typing = document.activeElement;
  const written = [...event.detail.target.querySelectorAll("textarea, details[open] input")].some((field) => field === typing || (field.tagName === "TEXTAREA" && field.value));
  if (written && event.detail.requestConfig.verb === "get") event.detail.shouldSwap = false;
});
document.body.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
enhance(document);
setInterval(() => times(document), 15000);
