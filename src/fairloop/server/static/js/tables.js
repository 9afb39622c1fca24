// Tables: sort by a click on the heading, filter by a word, choose columns; remembered per table.
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const recall = (key) => { try { return JSON.parse(localStorage.getItem(key) ?? "{}"); } catch { return {}; } };
const remember = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* not kept */ } };
const valueOf = (row, at) => row.cells[at]?.dataset.value ?? row.cells[at]?.textContent.trim() ?? "";

function compare(a, b) {
  const [x, y] = [Number(a), Number(b)];
  if (a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
  return collator.compare(a, b);
}

function sort(table, at, down) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row, at), row]);
  rows.sort(([a], [b]) => (down ? -1 : 1) * compare(a, b));
  body.append(...rows.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((cell, i) => {
    if (i === at) cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

function sortable(table, key) {
  [...table.tHead.rows[0].cells].forEach((cell, at) => {
    if (cell.dataset.fixed !== undefined || cell.querySelector("a")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sorter";
    button.append(...cell.childNodes);
    cell.append(button);
    button.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") === "ascending";
      sort(table, at, down);
      remember(key, { ...recall(key), sort: [at, down] });
    });
  });
  const kept = recall(key).sort;
  if (kept && table.tHead.rows[0].cells[kept[0]]) sort(table, ...kept);
}

function filterable(table, box) {
  const counter = box.parentElement.querySelector("[data-found]");
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      found += !row.hidden;
    }
    if (counter) counter.textContent = words.length ? `${found} shown` : "";
  });
}

function choosable(table, menu, key) {
  const hidden = new Set(recall(key).hidden ?? []);
  const apply = () => {
    [...table.rows].forEach((row) => [...row.cells].forEach((cell, at) => { cell.hidden = hidden.has(at); }));
    remember(key, { ...recall(key), hidden: [...hidden] });
  };
  [...table.tHead.rows[0].cells].forEach((cell, at) => {
    const name = cell.textContent.trim();
    if (!at || !name) return;
    const label = document.createElement("label");
    label.className = "check";
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !hidden.has(at) });
    box.addEventListener("change", () => { box.checked ? hidden.delete(at) : hidden.add(at); apply(); });
    label.append(box, ` ${name}`);
    menu.append(label);
  });
  if (hidden.size) apply();
}

export function enhanceTables(scope) {
  for (const table of scope.querySelectorAll("table[data-sortable]")) {
    if (table.dataset.drawn || !table.tHead) continue;
    table.dataset.drawn = "1";
    const key = `fairloop-table-${table.dataset.sortable}`;
    const frame = table.closest("[data-table]");
    const menu = frame?.querySelector("[data-columns]");
    if (menu) choosable(table, menu, key);
    sortable(table, key);
    const box = frame?.querySelector("[data-filter]");
    if (box) filterable(table, box);
  }
}
