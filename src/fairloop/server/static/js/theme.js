// Light and dark: what was chosen, else what the system prefers. Loaded before anything is drawn.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const stored = () => { try { return localStorage.getItem("fairloop-theme"); } catch { return null; } };

function apply() {
  const dark = (stored() ?? (system.matches ? "dark" : "light")) === "dark";
  root.dataset.theme = dark ? "dark" : "light";
  root.dataset.bsTheme = root.dataset.theme;
}

apply();
system.addEventListener("change", () => { apply(); document.dispatchEvent(new CustomEvent("themechange")); });
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-theme-switch]")) return;
  const next = root.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("fairloop-theme", next); } catch { /* private window: the choice lasts for this page */ }
  root.dataset.theme = next;
  root.dataset.bsTheme = next;
  document.dispatchEvent(new CustomEvent("themechange"));
});
