"use strict";
// The two ports, each with its own document; a signal is sealed by its sender, so it can only be looked at here.
const PORTS = {
  console: { url: "/openapi.json", tryItOutEnabled: true, deepLinking: true },
  signals: { url: "/openapi/signals.json", supportedSubmitMethods: [], defaultModelExpandDepth: 3 },
};
const shown = new Set();

function show(name) {
  for (const port of Object.keys(PORTS)) document.getElementById(port).hidden = port !== name;
  for (const tab of document.querySelectorAll("nav button")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.shows === name));
  }
  if (shown.has(name)) return;
  shown.add(name);
  SwaggerUIBundle({
    dom_id: `#${name}`,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null, // no badge: it would be asked for at another site
    ...PORTS[name],
  });
}

for (const tab of document.querySelectorAll("nav button")) {
  tab.addEventListener("click", () => show(tab.dataset.shows));
}
show("console");
