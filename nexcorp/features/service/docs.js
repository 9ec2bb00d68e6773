"use strict";

// Swagger UI over the document, in the reader's colours.
const dark = matchMedia("(prefers-color-scheme: dark)");
const show = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", show);
show();

// A line of a table in Markdown; `code` in its cells.
function makeRow(line, kind) {
  const row = document.createElement("tr");
  for (const text of line.slice(1, -1).split(/(?<!\\)\|/)) {
    const cell = row.appendChild(document.createElement(kind));
    text.trim().replaceAll("\\|", "|").split("`").forEach((part, at) => {
      cell.append(at % 2 ? Object.assign(document.createElement("code"), { textContent: part }) : part);
    });
  }
  return row;
}

// Whoever looks for an operation need not pass two hundred errors first: they are folded away behind all operations.
function fold(lines) {
  const box = Object.assign(document.createElement("details"), { className: "errors" });
  const table = document.createElement("table");
  const [head, , ...rows] = lines;
  table.append(makeRow(head, "th"), ...rows.map((line) => makeRow(line, "td")));
  box.append(Object.assign(document.createElement("summary"), { textContent: "All errors" }), table);
  document.body.append(box);
}

async function start() {
  const spec = await (await fetch("/api/openapi.json")).json();
  const lines = spec.info.description.split("\n");
  const errors = lines.filter((line) => line.startsWith("|"));
  spec.info.description = lines.filter((line) => !line.startsWith("|")).join("\n");
  SwaggerUIBundle({ spec, dom_id: "#docs", deepLinking: true, persistAuthorization: true, validatorUrl: null });
  if (errors.length) fold(errors);
}

start();
