// One function a kind of chart: (data, chosen axes, colours) to an ECharts option and a table of the same numbers.
import { WHY } from "./chart-why.js";

const short = (v) => (v === null || v === undefined ? "–" : Math.abs(v) >= 1000 ? Math.round(v).toLocaleString() : Number(v.toPrecision(3)).toString());
const percent = (v) => (v === null || v === undefined ? "–" : `${(v * 100).toFixed(1)} %`);
const axis = (c, more = {}) => ({
  axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, splitLine: { lineStyle: { color: c.hair } },
  axisLabel: { color: c.soft, fontSize: 12 }, nameTextStyle: { color: c.soft, fontSize: 12 }, ...more,
});
const tip = (c) => ({ backgroundColor: c.card, borderColor: c.line, textStyle: { color: c.ink, fontSize: 12.5 }, extraCssText: "box-shadow:0 4px 16px rgb(10 20 30/.14)" });
const escape = (text) => String(text).replace(/[&<>"]/g, (s) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[s]);
const cut = (text, most = 26) => (String(text).length > most ? `${String(text).slice(0, most - 1)}…` : String(text));

function frontier(data, { x = data.x, y = data.y }, c) {
  const shown = data.points.filter((p) => p.values[x] !== undefined && p.values[y] !== undefined).sort((a, b) => a.values[x] - b.values[x]);
  const limit = (name) => data.limits[name] ?? data.limits[name.split(" by ")[0]];
  const [lx, ly] = [limit(x), limit(y)];
  const range = (key, bound) => {
    const values = [...shown.map((p) => p.values[key]), ...(bound === undefined ? [] : [bound])];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const pad = (high - low) * 0.18 || Math.abs(high) * 0.1 || 1;
    return [low >= 0 && low - pad < 0 ? 0 : low - pad, high + pad].map((v) => Number(v.toPrecision(4)));
  };
  const [rx, ry] = [range(x, lx), range(y, ly)];
  const good = (name, bound, [low, high]) => (bound === undefined ? [low, high] : data.better[name] === "high" ? [bound, high] : [low, bound]);
  const [gx, gy] = [good(x, lx, rx), good(y, ly, ry)];
  const colour = (p) => (p.chosen ? c.series[0] : p.state === "refused" ? c.series[1] : c.series[5]);
  const line = (axisName, at, name) => ({ [axisName]: at, label: { formatter: `limit ${short(at)}`, position: axisName === "xAxis" ? "end" : "insideEndTop", color: c.soft, fontSize: 11.5 }, name });
  const area = lx === undefined && ly === undefined ? [] : [[{ xAxis: gx[0], yAxis: gy[0] }, { xAxis: gx[1], yAxis: gy[1] }]];
  return {
    option: {
      grid: { left: 62, right: 28, top: 26, bottom: 46 },
      tooltip: { ...tip(c), formatter: ({ data: d }) => d.point ? `<b>${escape(d.point.name)}</b> (${escape(d.point.state)})<br>${escape(data.names[x])} ${short(d.point.values[x])}<br>${escape(data.names[y])} ${short(d.point.values[y])}` : "" },
      xAxis: axis(c, { type: "value", min: rx[0], max: rx[1], axisLabel: { color: c.soft, showMinLabel: false, showMaxLabel: false, formatter: short }, name: `${data.names[x]} (${data.better[x] === "high" ? "more is better" : "less is better"})`, nameLocation: "middle", nameGap: 28 }),
      yAxis: axis(c, { type: "value", min: ry[0], max: ry[1], axisLabel: { color: c.soft, showMinLabel: false, showMaxLabel: false, formatter: short }, name: data.names[y], nameLocation: "middle", nameGap: 46 }),
      series: [{
        type: "scatter", labelLayout: { hideOverlap: true }, data: [...shown].sort((a, b) => Boolean(b.chosen) - Boolean(a.chosen)).map((p, i) => ({
          value: [p.values[x], p.values[y]], point: p, symbolSize: p.chosen ? 17 : p.state === "trial" ? 7 : 12, symbol: p.state === "refused" ? "diamond" : "circle",
          itemStyle: { color: p.chosen ? c.card : colour(p), borderColor: colour(p), borderWidth: p.chosen ? 5 : 1, opacity: p.state === "trial" ? 0.25 : p.state === "dominated" ? 0.35 : 1 },
          label: { show: p.state !== "trial", formatter: (p.label ?? p.name) + (p.chosen ? ", chosen" : ""), position: i % 2 ? "bottom" : "top", distance: 7, color: p.state === "dominated" ? c.faint : c.ink, fontSize: 12, fontWeight: p.chosen ? 600 : 400 },
        })),
        markLine: { silent: true, symbol: "none", lineStyle: { color: c.soft, type: [5, 4], width: 1.3 }, data: [...(lx === undefined ? [] : [line("xAxis", lx)]), ...(ly === undefined ? [] : [line("yAxis", ly)])] },
        markArea: { silent: true, itemStyle: { color: c.pass, opacity: 0.07 }, data: area },
      }],
    },
    table: { columns: ["Candidate", "State", data.names[x], data.names[y]], rows: shown.map((p) => [p.name, p.chosen ? "chosen" : p.state, p.values[x], p.values[y]]) },
  };
}

const whisker = (c, colour) => ({
  type: "custom", silent: true, z: 5, encode: { x: [1, 2], y: 0 },
  renderItem: (params, api) => {
    const [low, high] = [api.coord([api.value(1), api.value(0)]), api.coord([api.value(2), api.value(0)])];
    const style = { stroke: colour, lineWidth: 2, fill: "none" };
    const tick = (p) => ({ type: "line", shape: { x1: p[0], x2: p[0], y1: p[1] - 5, y2: p[1] + 5 }, style });
    return { type: "group", children: [{ type: "line", shape: { x1: low[0], y1: low[1], x2: high[0], y2: high[1] }, style }, tick(low), tick(high)] };
  },
});

function groups(data, { rate = data.rates[0].key }, c) {
  const rows = [...data.groups].reverse();
  const estimates = rows.map((g) => g[rate]?.estimate ?? null);
  const known = estimates.filter((v) => v !== null);
  const hasBase = rows.some((g) => g.baseline && g.baseline[rate] !== null && g.baseline[rate] !== undefined);
  const most = Math.max(0.02, ...rows.flatMap((g) => [g[rate]?.high ?? g[rate]?.estimate ?? 0, g.baseline?.[rate] ?? 0]));
  const limit = rate === "selection_rate" ? data.limits.find((l) => l.metric.startsWith("Demographic")) : undefined;
  const low = Math.min(...known);
  const bound = limit && known.length ? low + limit.at_most : undefined;
  const series = [
    { type: "bar", barWidth: hasBase ? 13 : 18, data: estimates.map((v) => ({ value: v, itemStyle: { color: c.series[0], borderRadius: [0, 3, 3, 0], opacity: 0.78 } })),
      label: { show: true, position: "insideLeft", formatter: ({ value }) => percent(value), color: c.card, fontSize: 12, fontWeight: 600 },
      markLine: bound === undefined ? undefined : { silent: true, symbol: "none", lineStyle: { color: c.ink, width: 1.6, type: "solid" }, label: { formatter: `limit: ${(limit.at_most * 100).toFixed(0)} points above the lowest`, color: c.soft, fontSize: 11.5, position: "end", align: "right" }, data: [{ xAxis: bound }] } },
    { ...whisker(c, c.ink), data: rows.map((g, i) => [i, g[rate]?.low, g[rate]?.high]).filter((r) => r[1] !== null && r[1] !== undefined) },
  ];
  if (hasBase) series.push({ type: "scatter", symbol: "diamond", symbolSize: 11, z: 6, itemStyle: { color: c.card, borderColor: c.series[1], borderWidth: 2.2 }, data: rows.map((g, i) => [g.baseline?.[rate], i]).filter((r) => r[0] !== undefined && r[0] !== null) });
  return {
    height: 74 + rows.length * 42,
    option: {
      grid: { left: 8, right: 40, top: 26, bottom: 40, containLabel: true },
      tooltip: { ...tip(c), trigger: "axis", axisPointer: { type: "none" }, formatter: (items) => { const g = rows[items[0].dataIndex]; const v = g[rate] ?? {}; return `<b>${escape(g.name)}</b>, ${g.n.toLocaleString()} rows<br>${percent(v.estimate)} (${percent(v.low)} to ${percent(v.high)})${g.baseline ? `<br>Version before: ${percent(g.baseline[rate])}` : ""}`; } },
      xAxis: axis(c, { type: "value", min: 0, max: Math.min(1, Math.max(most, bound ?? 0) * 1.15), axisLabel: { color: c.soft, showMaxLabel: false, formatter: (v) => `${Math.round(v * 100)} %` }, name: data.rates.find((r) => r.key === rate).name + (hasBase ? "; diamond: the version before" : ""), nameLocation: "middle", nameGap: 26 }),
      yAxis: axis(c, { type: "category", data: rows.map((g) => `${cut(g.name)}\n{n|n = ${g.n.toLocaleString()}}`), axisLine: { show: false }, axisLabel: { color: c.ink, fontSize: 12.5, lineHeight: 16, rich: { n: { color: c.faint, fontSize: 11.5 } } } }),
      series,
    },
    table: { columns: ["Group", "Rows", "Estimate", "Low", "High", ...(hasBase ? ["Version before"] : [])], rows: data.groups.map((g) => [g.name, g.n, g[rate]?.estimate, g[rate]?.low, g[rate]?.high, ...(hasBase ? [g.baseline?.[rate]] : [])]) },
  };
}

function drivers(data, _, c) {
  const rows = [...data].reverse();
  return {
    height: 46 + rows.length * 24,
    option: {
      grid: { left: 8, right: 30, top: 6, bottom: 36, containLabel: true },
      tooltip: { ...tip(c), trigger: "axis", axisPointer: { type: "none" }, formatter: (items) => { const d = rows[items[0].dataIndex]; return `<b>${escape(d.column)}</b><br>${short(d.importance)}${d.low === null || d.low === undefined ? "" : ` (${short(d.low)} to ${short(d.high)})`}`; } },
      xAxis: axis(c, { type: "value", name: "quality lost when the column is shuffled", axisLabel: { color: c.soft, showMaxLabel: false }, nameLocation: "middle", nameGap: 24 }),
      yAxis: axis(c, { type: "category", data: rows.map((d) => cut(d.column)), axisLine: { show: false }, axisLabel: { color: c.ink, fontSize: 12.5 } }),
      series: [{ type: "bar", barWidth: 12, data: rows.map((d) => d.importance), itemStyle: { color: c.series[0], opacity: 0.78, borderRadius: [0, 3, 3, 0] } },
        { ...whisker(c, c.ink), data: rows.map((d, i) => [i, d.low, d.high]).filter((r) => r[1] !== null && r[1] !== undefined) }],
    },
    table: { columns: ["Column", "Importance", "Low", "High"], rows: data.map((d) => [d.column, d.importance, d.low, d.high]) },
  };
}

function drift(data, _, c) {
  const rows = [...data.columns].sort((a, b) => a.effect - b.effect);
  return {
    height: 56 + rows.length * 24,
    option: {
      grid: { left: 8, right: 30, top: 22, bottom: 36, containLabel: true },
      tooltip: { ...tip(c), trigger: "axis", axisPointer: { type: "none" }, formatter: (items) => { const d = rows[items[0].dataIndex]; return `<b>${escape(d.column)}</b><br>change ${short(d.effect)}${d.p === null ? "" : `<br>chance alone: p = ${short(d.p)}`}`; } },
      xAxis: axis(c, { type: "value", min: 0, max: Number((Math.max(data.limit ?? 0, ...rows.map((d) => d.effect)) * 1.2 || 0.1).toPrecision(2)), name: "change against the training rows, beyond what chance explains", axisLabel: { color: c.soft, showMaxLabel: false }, nameLocation: "middle", nameGap: 24 }),
      yAxis: axis(c, { type: "category", data: rows.map((d) => cut(d.column)), axisLine: { show: false }, axisLabel: { color: c.ink, fontSize: 12.5 } }),
      series: [{ type: "bar", barWidth: 12, data: rows.map((d) => ({ value: d.effect, itemStyle: { color: d.status === "fail" ? c.fail : c.series[0], opacity: 0.8, borderRadius: [0, 3, 3, 0] } })),
        markLine: data.limit === null ? undefined : { silent: true, symbol: "none", lineStyle: { color: c.ink, width: 1.4, type: "solid" }, label: { formatter: `matters from ${short(data.limit)}`, color: c.soft, fontSize: 11.5 }, data: [{ xAxis: data.limit }] } }],
    },
    table: { columns: ["Column", "Change", "p, corrected", "Verdict"], rows: [...rows].reverse().map((d) => [d.column, d.effect, d.p, d.status]) },
  };
}

function bins(data, _, c) {
  return {
    option: {
      grid: { left: 8, right: 12, top: 30, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 9, textStyle: { color: c.soft, fontSize: 12 } },
      tooltip: { ...tip(c), trigger: "axis", valueFormatter: percent },
      xAxis: axis(c, { type: "category", data: data.bins.map((b) => b.label), axisLabel: { color: c.soft, fontSize: 11, hideOverlap: true, formatter: (v) => cut(v, 16) } }),
      yAxis: axis(c, { type: "value", axisLabel: { color: c.soft, formatter: (v) => `${Math.round(v * 100)} %` } }),
      series: [{ name: "training rows", type: "bar", data: data.bins.map((b) => b.reference), itemStyle: { color: c.faint, opacity: 0.55 } }, { name: "this window", type: "bar", data: data.bins.map((b) => b.window), itemStyle: { color: c.series[1] } }],
    },
    table: { columns: ["Bin", "Training rows", "This window"], rows: data.bins.map((b) => [b.label, b.reference, b.window]) },
  };
}

function series(data, _, c) {
  const clock = (v) => new Date(v).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const show = data.unit === "%" ? percent : (v) => `${short(v)}${data.unit ? ` ${data.unit}` : ""}`;
  const drawn = data.lines.flatMap((line, i) => [
    ...(line.points.some((p) => p.low !== null) ? [
      { type: "line", stack: `band${i}`, stackStrategy: "all", symbol: "none", lineStyle: { opacity: 0 }, silent: true, tooltip: { show: false }, data: line.points.map((p) => [p.at, p.low ?? p.value]) },
      { type: "line", stack: `band${i}`, stackStrategy: "all", symbol: "none", lineStyle: { opacity: 0 }, silent: true, areaStyle: { color: c.series[i], opacity: 0.16 }, tooltip: { show: false }, data: line.points.map((p) => [p.at, (p.high ?? p.value) - (p.low ?? p.value)]) }] : []),
    { type: "line", name: line.name, symbolSize: 5, data: line.points.map((p) => [p.at, p.value]), lineStyle: { color: c.series[i], width: 2 }, itemStyle: { color: c.series[i] },
      endLabel: { show: data.lines.length > 1, formatter: line.name, color: c.series[i] },
      markLine: i || data.limit === null ? undefined : { silent: true, symbol: "none", lineStyle: { color: c.ink, type: "solid", width: 1.4 }, label: { formatter: data.limit_words, color: c.soft, fontSize: 11.5, position: "insideEndTop" }, data: [{ yAxis: data.limit }] } },
  ]);
  return {
    option: {
      grid: { left: 8, right: data.lines.length > 1 ? 90 : 20, top: 20, bottom: 8, containLabel: true },
      tooltip: { ...tip(c), trigger: "axis", formatter: (items) => `${clock(items[0].value[0])}<br>${items.filter((i) => i.seriesName && !i.seriesName.startsWith("series")).map((i) => `${escape(i.seriesName)} <b>${show(i.value[1])}</b>`).join("<br>")}` },
      xAxis: axis(c, { type: "time", axisLabel: { color: c.soft, hideOverlap: true, fontSize: 11.5 }, splitLine: { show: false } }),
      yAxis: axis(c, { type: "value", scale: !data.zero, axisLabel: { color: c.soft, formatter: data.unit === "%" ? (v) => `${Math.round(v * 100)} %` : short } }),
      series: drawn,
    },
    table: { columns: ["When", ...data.lines.flatMap((l) => [l.name, "Low", "High"])], rows: data.lines[0].points.map((p, i) => [clock(p.at), ...data.lines.flatMap((l) => [l.points[i]?.value, l.points[i]?.low, l.points[i]?.high])]) },
  };
}

function latency(data, _, c) {
  return {
    option: {
      grid: { left: 8, right: 16, top: 22, bottom: 34, containLabel: true },
      tooltip: { ...tip(c), trigger: "axis" },
      xAxis: axis(c, { type: "category", data: data.buckets.map((b) => short(b.ms)), name: "milliseconds, upper edge", nameLocation: "middle", nameGap: 26, axisLabel: { color: c.soft, hideOverlap: true } }),
      yAxis: axis(c, { type: "value", name: "requests", nameTextStyle: { color: c.soft, align: "left" } }),
      series: [{ type: "bar", barCategoryGap: "12%", data: data.buckets.map((b) => b.n), itemStyle: { color: c.series[0], opacity: 0.8 } }],
    },
    table: { columns: ["Up to, ms", "Requests"], rows: data.buckets.map((b) => [b.ms, b.n]) },
  };
}

export const BUILDERS = { frontier, groups, drivers, drift, bins, series, latency, ...WHY };
