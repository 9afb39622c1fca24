// A run's curves: drawn with uPlot, renewed while the run is running, one cursor over all of them.
import uPlot from "../vendor/uPlot.esm.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shown = (v) => (v === null || v === undefined ? "–" : Math.abs(v) >= 1000 ? Math.round(v).toLocaleString() : Number(v.toPrecision(4)).toString());

function styles() {
  if (document.getElementById("uplot-css")) return;
  const link = Object.assign(document.createElement("link"), { id: "uplot-css", rel: "stylesheet" });
  link.href = `${document.body.dataset.assets}/vendor/uPlot.min.css`;
  document.head.append(link);
}

function options(width, byTime, onValue) {
  const axis = { stroke: css("--soft"), grid: { stroke: css("--hair"), width: 1 }, ticks: { show: false }, font: `11.5px ${getComputedStyle(document.body).fontFamily}` };
  return {
    width, height: 170, legend: { show: false }, scales: { x: { time: byTime } },
    cursor: { sync: { key: "run" }, points: { size: 7 } },
    axes: [{ ...axis, size: 26 }, { ...axis, size: 54, values: (_, ticks) => ticks.map(shown) }],
    series: [{}, { stroke: css("--series-1"), width: 1.6, points: { show: false }, spanGaps: false }],
    hooks: { setCursor: [(u) => onValue(u.cursor.idx === null || u.cursor.idx === undefined ? null : u.data[1][u.cursor.idx])] },
  };
}

export function watch(frame) {
  styles();
  const plots = new Map();
  const byTime = document.getElementById("by-time");
  let found = {};

  const data = (s) => [byTime?.checked ? s.times.map((t) => t / 1000) : s.steps, s.values];
  function paint(fresh) {
    for (const cell of frame.querySelectorAll("[data-key]")) {
      const s = found[cell.dataset.key];
      if (!s) continue;
      const latest = cell.querySelector("[data-latest]");
      const newest = s.values.findLast((v) => v !== null);
      const say = (v) => { latest.textContent = shown(v ?? newest); };
      const curve = cell.querySelector(".curve");
      if (fresh || !plots.has(cell)) {
        plots.get(cell)?.destroy();
        plots.set(cell, new uPlot(options(curve.clientWidth || 320, Boolean(byTime?.checked), say), data(s), curve));
      } else plots.get(cell).setData(data(s));
      say(null);
    }
  }
  async function load() {
    const answer = await fetch(frame.dataset.liveMetrics, { headers: { accept: "application/json" } }).catch(() => null);
    if (answer?.ok) {
      const told = await answer.json();
      found = told.series;
      paint(false);
      if (told.live && frame.isConnected) setTimeout(load, 2000);
    } else if (frame.isConnected) setTimeout(load, 5000);
  }
  load();
  byTime?.addEventListener("change", () => paint(true));
  document.addEventListener("themechange", () => paint(true));
  new ResizeObserver(() => plots.forEach((plot, cell) => plot.setSize({ width: cell.querySelector(".curve").clientWidth || 320, height: 170 }))).observe(frame);
}
