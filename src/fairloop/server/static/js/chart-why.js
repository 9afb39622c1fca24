// Charts of explanations: signed parts with intervals, one answer taken apart, and how the answer moves with a column.
const short = (v) => (v === null || v === undefined ? "–" : Math.abs(v) >= 1000 ? Math.round(v).toLocaleString() : Number(v.toPrecision(3)).toString());
const escape = (text) => String(text).replace(/[&<>"]/g, (s) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[s]);
const cut = (text, most = 30) => (String(text).length > most ? `${String(text).slice(0, most - 1)}…` : String(text));
const axis = (c, more = {}) => ({
  axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, splitLine: { lineStyle: { color: c.hair } },
  axisLabel: { color: c.soft, fontSize: 12 }, nameTextStyle: { color: c.soft, fontSize: 12 }, ...more,
});
const tip = (c) => ({ backgroundColor: c.card, borderColor: c.line, textStyle: { color: c.ink, fontSize: 12.5 }, extraCssText: "box-shadow:0 4px 16px rgb(10 20 30/.14)" });
const names = (c, rows) => axis(c, { type: "category", data: rows.map((r) => cut(r.name)), axisLine: { show: false }, axisLabel: { color: c.ink, fontSize: 12.5 } });

function parts(data, _, c) {
  const rows = [...data.rows].reverse();
  const known = rows.filter((r) => r.low !== null && r.low !== undefined);
  const ends = [0, ...rows.map((r) => r.value), ...known.flatMap((r) => [r.low, r.high])];
  const from = data.from ?? 0;
  const [low, high] = [Math.min(from, ...ends.filter((v) => v !== 0 || from === 0)), Math.max(...ends)];
  const pad = (high - low) * 0.06 || 0.01;
  return {
    height: 56 + rows.length * 24,
    option: {
      grid: { left: 8, right: 34, top: data.fromName ? 24 : 8, bottom: 38, containLabel: true },
      tooltip: { ...tip(c), trigger: "axis", axisPointer: { type: "none" }, formatter: (items) => { const r = rows[items[0].dataIndex]; return `<b>${escape(r.name)}</b><br>${short(r.value)}${r.low === null || r.low === undefined ? "" : ` (${short(r.low)} to ${short(r.high)})`}${r.note ? `<br>${escape(r.note)}` : ""}`; } },
      xAxis: axis(c, { type: "value", min: Number((low - (low < from ? pad : 0)).toPrecision(3)), max: Number((high + pad).toPrecision(3)), name: data.axis, nameLocation: "middle", nameGap: 24, axisLabel: { color: c.soft, showMinLabel: false, showMaxLabel: false, formatter: short } }),
      yAxis: names(c, rows),
      series: [
        { type: "custom", data: rows.map((r, i) => [i, r.value, r.low, r.high]), encode: { x: [1, 2, 3], y: 0 },
          renderItem: (params, api) => {
            const row = rows[api.value(0)];
            const at = (v) => api.coord([v, api.value(0)]);
            const [zero, end] = [at(from), at(row.value)];
            const colour = row.strong === false ? c.faint : row.value >= from ? c.series[0] : c.series[1];
            const children = [{ type: "rect", shape: { x: Math.min(zero[0], end[0]), y: end[1] - 6, width: Math.max(1, Math.abs(end[0] - zero[0])), height: 12, r: 3 }, style: { fill: colour, opacity: 0.8 } }];
            if (row.low !== null && row.low !== undefined) {
              const [a, b] = [at(row.low), at(row.high)];
              const style = { stroke: c.ink, lineWidth: 1.6, fill: "none" };
              children.push(...[[a, b], [[a[0], a[1] - 4], [a[0], a[1] + 4]], [[b[0], b[1] - 4], [b[0], b[1] + 4]]].map(([p, q]) => ({ type: "line", shape: { x1: p[0], y1: p[1], x2: q[0], y2: q[1] }, style })));
            }
            return { type: "group", children };
          },
          markLine: { silent: true, symbol: "none", lineStyle: { color: c.soft, width: 1.2, type: "solid" }, label: { show: Boolean(data.fromName), formatter: data.fromName ?? "", color: c.soft, fontSize: 11.5, position: "end" }, data: [{ xAxis: from }] } },
      ],
    },
    table: { columns: ["Column", data.axis, "Low", "High"], rows: data.rows.map((r) => [r.name, r.value, r.low, r.high]) },
  };
}

function waterfall(data, _, c) {
  const rows = [...data.rows];
  const steps = [];
  let level = data.base;
  for (const r of rows) { steps.push({ ...r, from: level, to: level + r.value }); level += r.value; }
  const drawn = [{ name: "everybody", from: data.base, to: data.base, value: data.base, total: true }, ...steps, { name: "this person", from: level, to: level, value: level, total: true }].reverse();
  const ends = drawn.flatMap((r) => [r.from, r.to]).concat(data.limit === null || data.limit === undefined ? [] : [data.limit]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const pad = (high - low) * 0.1 || 0.05;
  return {
    height: 60 + drawn.length * 24,
    option: {
      grid: { left: 8, right: 40, top: 22, bottom: 38, containLabel: true },
      tooltip: { ...tip(c), trigger: "axis", axisPointer: { type: "none" }, formatter: (items) => { const r = drawn[items[0].dataIndex]; return r.total ? `<b>${escape(r.name)}</b><br>${short(r.value)}` : `<b>${escape(r.name)}</b><br>${r.value >= 0 ? "+" : ""}${short(r.value)}, to ${short(r.to)}`; } },
      xAxis: axis(c, { type: "value", min: Number((low - pad).toPrecision(3)), max: Number((high + pad).toPrecision(3)), name: data.axis, nameLocation: "middle", nameGap: 24, axisLabel: { color: c.soft, showMinLabel: false, showMaxLabel: false, formatter: short } }),
      yAxis: names(c, drawn),
      series: [{
        type: "custom", data: drawn.map((r, i) => [i, r.from, r.to]), encode: { x: [1, 2], y: 0 },
        renderItem: (params, api) => {
          const row = drawn[api.value(0)];
          const [a, b] = [api.coord([row.from, api.value(0)]), api.coord([row.to, api.value(0)])];
          if (row.total) return { type: "group", children: [{ type: "circle", shape: { cx: a[0], cy: a[1], r: 5 }, style: { fill: c.ink } }, { type: "text", style: { text: short(row.value), x: a[0] + 9, y: a[1] - 6, fill: c.soft, font: "12px sans-serif" } }] };
          const label = `${row.value >= 0 ? "+" : "−"}${short(Math.abs(row.value))}`;
          return { type: "group", children: [{ type: "rect", shape: { x: Math.min(a[0], b[0]), y: a[1] - 7, width: Math.max(1, Math.abs(b[0] - a[0])), height: 14, r: 2 }, style: { fill: row.value >= 0 ? c.series[0] : c.series[1], opacity: 0.8 } },
            { type: "text", style: { text: label, x: Math.max(a[0], b[0]) + 5, y: a[1] - 6, fill: c.soft, font: "11px sans-serif" } }] };
        },
        markLine: data.limit === null || data.limit === undefined ? undefined : { silent: true, symbol: "none", lineStyle: { color: c.ink, width: 1.4, type: "solid" }, label: { formatter: `yes from ${short(data.limit)}`, color: c.soft, fontSize: 11.5 }, data: [{ xAxis: data.limit }] },
      }],
    },
    table: { columns: ["Column", "Part"], rows: [["everybody", data.base], ...rows.map((r) => [r.name, r.value]), ["this person", level]] },
  };
}

function effect(data, _, c) {
  const category = typeof data.partial.at[0] === "string" || typeof data.partial.at[0] === "boolean";
  const pairs = (e) => e.at.map((at, i) => [category ? String(at) : at, e.value[i]]);
  const series = [{ name: "everybody given this value", type: category ? "bar" : "line", barMaxWidth: 22, showSymbol: false, lineStyle: { width: 2.4 }, itemStyle: { color: c.series[0], borderRadius: [3, 3, 0, 0] }, data: pairs(data.partial) }];
  if (data.local) series.push({ name: "only those near it", type: "line", showSymbol: false, lineStyle: { width: 2, type: [6, 4] }, itemStyle: { color: c.series[1] }, data: data.local.at.map((at, i) => [at, data.local.value[i] + data.level]) });
  return {
    height: 250,
    option: {
      grid: { left: 8, right: 20, top: 30, bottom: 36, containLabel: true },
      legend: { show: Boolean(data.local), top: 0, left: 0, itemWidth: 18, itemHeight: 8, textStyle: { color: c.soft, fontSize: 12 } },
      tooltip: { ...tip(c), trigger: "axis", valueFormatter: short },
      xAxis: category ? axis(c, { type: "category", data: data.partial.at.map(String), axisLabel: { color: c.soft, fontSize: 11, hideOverlap: true, formatter: (v) => cut(v, 14) }, name: data.column, nameLocation: "middle", nameGap: 24 })
        : axis(c, { type: "value", scale: true, name: data.column, nameLocation: "middle", nameGap: 24, axisLabel: { color: c.soft, showMinLabel: false, showMaxLabel: false } }),
      yAxis: axis(c, { type: "value", scale: !category, axisLabel: { color: c.soft, formatter: short } }),
      series,
    },
    table: { columns: [data.column, "Mean answer", "Rows"], rows: data.partial.at.map((at, i) => [String(at), data.partial.value[i], data.partial.rows[i]]) },
  };
}

export const WHY = { parts, waterfall, effect };
