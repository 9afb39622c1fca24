// The wires of the loop: from station to station, and back from the watch to the data.
const NS = "http://www.w3.org/2000/svg";
const node = (name, attributes) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

function wires(frame) {
  frame.querySelector("svg.wires")?.remove();
  const stations = [...frame.querySelectorAll(".station")];
  const box = frame.getBoundingClientRect();
  if (stations.length < 2 || getComputedStyle(frame).paddingBottom === "8px") return;
  const svg = node("svg", { class: "wires", "aria-hidden": "true" });
  const defs = node("defs", {});
  const marker = node("marker", { id: "tip", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" });
  marker.append(node("path", { d: "M0 0.6 7 4 0 7.4z" }));
  defs.append(marker);
  svg.append(defs);
  const at = stations.map((s) => s.getBoundingClientRect()).map((r) => ({ left: r.left - box.left, right: r.right - box.left, mid: r.top - box.top + r.height / 2, bottom: r.bottom - box.top }));
  at.slice(1).forEach((to, i) => {
    const kind = stations[i + 1].classList.contains("run") ? "now" : "";
    svg.append(node("path", { class: kind, d: `M${at[i].right + 2} ${at[i].mid}H${to.left - 4}`, "marker-end": "url(#tip)" }));
  });
  const [first, last] = [at[0], at.at(-1)];
  const [x1, x2, low] = [(last.left + last.right) / 2, (first.left + first.right) / 2, box.height - 16];
  const hot = frame.querySelector(".return.hot") ? "hot" : "";
  svg.append(node("path", { class: hot, d: `M${x1} ${last.bottom + 3}V${low - 10}a10 10 0 0 1 -10 10H${x2 + 10}a10 10 0 0 1 -10 -10V${first.bottom + 6}`, "marker-end": "url(#tip)" }));
  frame.prepend(svg);
}

export function draw(frame) {
  wires(frame);
  new ResizeObserver(() => wires(frame)).observe(frame);
}
