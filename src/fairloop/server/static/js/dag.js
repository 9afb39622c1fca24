// The graph of a pipeline run: laid out by dagre, drawn by cytoscape; a click puts the step into the inspector.
import cytoscape from "../vendor/cytoscape.esm.min.mjs";
import { Graph, layout } from "../vendor/dagre.esm.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const [WIDTH, HEIGHT] = [190, 54];
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function places(data) {
  const g = new Graph();
  const free = data.nodes.length - new Set(data.edges.flat()).size; // steps that depend on nothing stand below each other
  g.setGraph({ rankdir: free > 3 ? "LR" : "TB", nodesep: 26, ranksep: 40, marginx: 16, marginy: 16 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const node of data.nodes) g.setNode(node.id, { width: WIDTH, height: HEIGHT });
  for (const [from, to] of data.edges) g.setEdge(from, to);
  layout(g);
  return (id) => ({ x: g.node(id).x, y: g.node(id).y });
}

const tone = (node) => css({ pass: "--pass", fail: "--fail", run: "--run", wait: "--wait", unsure: "--unsure" }[node.data("tone")] ?? "--idle");
const style = () => [
  { selector: "node", style: { shape: "round-rectangle", width: WIDTH, height: HEIGHT, "background-color": css("--card"), "border-width": 1.5, "border-color": tone, label: "data(label)", color: css("--ink"), "font-size": 12.5, "font-family": getComputedStyle(document.body).fontFamily, "text-valign": "center", "text-halign": "center", "text-wrap": "wrap", "line-height": 1.35 } },
  { selector: "node[tone = 'run']", style: { "background-color": css("--run-soft"), "border-width": 2 } },
  { selector: "node[tone = 'fail']", style: { "background-color": css("--fail-soft"), "border-width": 2 } },
  { selector: "node[tone = 'idle']", style: { "border-style": "dashed", color: css("--soft") } },
  { selector: "node:selected", style: { "border-width": 3.5, "overlay-opacity": 0 } },
  { selector: "edge", style: { width: 1.6, "line-color": css("--faint"), "target-arrow-color": css("--faint"), "target-arrow-shape": "triangle", "arrow-scale": 0.9, "curve-style": "bezier" } },
];

function inspect(frame, node) {
  const id = node.data("run");
  if (!id || !window.htmx) return;
  const project = frame.dataset.dag.split("/pipelines/")[0];
  window.htmx.ajax("GET", `${project}/step-runs/${encodeURIComponent(id)}`, { target: "#inspector", swap: "innerHTML" });
  history.replaceState(null, "", `${location.pathname}?step=${encodeURIComponent(id)}`);
}

export function draw(frame) {
  const data = JSON.parse(frame.querySelector("script").textContent);
  const at = places(data);
  const rows = Math.max(...data.nodes.map((n) => at(n.id).y)) + HEIGHT;
  frame.style.height = `${Math.min(560, Math.max(260, rows + 40))}px`;
  const graph = cytoscape({
    container: frame.querySelector(".canvas"), minZoom: 0.3, maxZoom: 1.6, boxSelectionEnabled: false, autoungrabify: true, layout: { name: "preset", fit: true, padding: 18 },
    elements: [...data.nodes.map((n) => ({ data: { ...n, label: `${cut(n.name, 26)}\n${n.line}` }, position: at(n.id) })), ...data.edges.map(([source, target]) => ({ data: { id: `${source}>${target}`, source, target } }))],
    style: style(),
  });
  if (graph.zoom() > 1) { graph.zoom(1); graph.center(); }
  const shown = document.querySelector("[data-step-shown]")?.dataset.stepShown;
  graph.nodes().filter((n) => n.data("run") === shown).select();
  graph.on("tap", "node", (event) => inspect(frame, event.target));
  document.addEventListener("themechange", () => graph.style(style()));
}
