// Charts: each figure holds its data as JSON; here they are drawn, exported, and shown as a table.
import * as echarts from "../vendor/echarts.esm.min.mjs";
import { BUILDERS } from "./chart-kinds.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const palette = () => ({
  ink: css("--ink"), soft: css("--soft"), faint: css("--faint"), line: css("--line"), card: css("--card"), hair: css("--hair"),
  pass: css("--pass"), fail: css("--fail"), unsure: css("--unsure"), idle: css("--idle"),
  series: [1, 2, 3, 4, 5, 6].map((n) => css(`--series-${n}`)), font: getComputedStyle(document.body).fontFamily,
});

const number = (value) => (typeof value === "number" ? (Number.isInteger(value) ? value : Number(value.toPrecision(5))) : value ?? "");

function asTable(box, { columns, rows }) {
  const table = document.createElement("table");
  table.className = "data";
  const head = table.createTHead().insertRow();
  for (const name of columns) head.append(Object.assign(document.createElement("th"), { textContent: name, className: name === columns[0] ? "" : "num" }));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((value, at) => { const cell = line.insertCell(); cell.textContent = number(value); if (at) cell.className = "num"; });
  }
  box.replaceChildren(table);
}

function save(name, url) {
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
}

function csv({ columns, rows }) {
  const quote = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
  return [columns, ...rows].map((row) => row.map(quote).join(",")).join("\n");
}

export function draw(figure) {
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const build = BUILDERS[figure.dataset.chart];
  const plot = figure.querySelector(".plot");
  const tableBox = figure.querySelector(".as-table");
  const chooser = figure.querySelector(".chooser");
  const name = figure.querySelector("h3")?.textContent.trim().replace(/[^\w]+/g, "-") || "chart";
  const choice = () => Object.fromEntries([...(chooser?.querySelectorAll("select") ?? [])].map((s) => [s.dataset.axis, s.value]));
  let chart = null;
  let built = null;

  const paint = () => {
    built = build(data, choice(), palette());
    if (built.height) plot.style.height = `${built.height}px`;
    chart ??= echarts.init(plot, null, { renderer: "canvas" });
    chart.resize();
    chart.setOption({ animation: false, textStyle: { fontFamily: palette().font }, ...built.option }, true);
    asTable(tableBox, built.table);
    figure.dataset.ready = "1";
  };
  paint();
  chooser?.addEventListener("change", paint);
  new ResizeObserver(() => chart.resize()).observe(plot);
  document.addEventListener("themechange", () => { chart.dispose(); chart = null; paint(); });
  figure.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act === "table") {
      tableBox.hidden = !tableBox.hidden;
      plot.hidden = !tableBox.hidden;
      event.target.closest("button").setAttribute("aria-pressed", String(!tableBox.hidden));
      if (!plot.hidden) chart.resize();
    } else if (act === "csv") save(`${name}.csv`, URL.createObjectURL(new Blob([csv(built.table)], { type: "text/csv" })));
    else if (act === "png") save(`${name}.png`, chart.getDataURL({ pixelRatio: 2, backgroundColor: palette().card }));
  });
}
