// Bundles each library into one ES module. The same lock gives the same bytes: `make vendor` and `git diff` prove it.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const OUT = join(import.meta.dirname, "../../nexcorp/features/console/static/vendor");
const MODULES = join(import.meta.dirname, "node_modules");

const ENTRIES = {
  "preact.js": `
    import htm from "htm";
    import { h } from "preact";
    export { Component, Fragment, createContext, h, render } from "preact";
    export { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
    export { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from "@preact/signals";
    export const html = htm.bind(h);`,
  "editor.js": `
    export * as Y from "yjs";
    export { basicSetup, minimalSetup } from "codemirror";
    export { Compartment, EditorState } from "@codemirror/state";
    export { EditorView, keymap, placeholder } from "@codemirror/view";
    export { indentWithTab } from "@codemirror/commands";
    export { HighlightStyle, defaultHighlightStyle, syntaxHighlighting } from "@codemirror/language";
    export { tags } from "@lezer/highlight";
    export { markdown } from "@codemirror/lang-markdown";
    export { python } from "@codemirror/lang-python";
    export { javascript } from "@codemirror/lang-javascript";
    export { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
    export { WebsocketProvider } from "y-websocket";`,
  "uplot.js": `export { default } from "uplot";`,
  "drag.js": `
    export { draggable, dropTargetForElements, monitorForElements } from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
    export { combine } from "@atlaskit/pragmatic-drag-and-drop/combine";
    export { autoScrollForElements } from "@atlaskit/pragmatic-drag-and-drop-auto-scroll/element";`,
  "markdown.js": `
    export { Marked, marked } from "marked";
    export { default as DOMPurify } from "dompurify";`,
};

// The icons: our name, or ours=lucide's where they differ.
const ICONS = Object.fromEntries(
  `activity archive at-sign bell bell-off bot briefcase calendar check check-square=square-check chevron-down
  chevron-left chevron-right chevron-up circle clock command compass copy download edit=pencil external-link eye
  eye-off file file-text filter=funnel flag folder folder-plus git-branch git-commit=git-commit-horizontal globe
  grip-vertical heart history home=house image info key kanban=square-kanban link list lock log-out mail megaphone
  menu message-circle monitor moon alert-triangle=triangle-alert more-horizontal=ellipsis paperclip play plus
  refresh-cw search send settings shield smartphone sparkles square star sun trash=trash-2 trending-up undo upload
  user user-plus users wifi-off x zap`
    .trim()
    .split(/\s+/)
    .map((pair) => [pair.split("=")[0], pair.split("=").at(-1)])
    .sort(([left], [right]) => (left < right ? -1 : 1)),
);

function readPackage(name) {
  return JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8"));
}

/** The packages that a bundle contains, from the inputs in esbuild's metafile. */
function listPackages(inputs) {
  const names = Object.keys(inputs).map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(names.filter(Boolean))].sort();
}

function readLicence(name) {
  const file = readdirSync(join(MODULES, name)).find((entry) => /^licen[sc]e(\.|$)/i.test(entry));
  if (!file) throw new Error(`${name} has no licence text`);
  return readFileSync(join(MODULES, name, file), "utf8").replaceAll("\r\n", "\n").trim();
}

const written = [];

function write(file, text, packages) {
  writeFileSync(join(OUT, file), text);
  written.push({ file, bytes: Buffer.from(text), packages });
}

for (const [file, contents] of Object.entries(ENTRIES)) {
  const types = file.replace(".js", ".d.ts");
  const result = await build({
    stdin: { contents, resolveDir: import.meta.dirname, sourcefile: file },
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    banner: {
      js:
        `// @ts-nocheck\n// @ts-self-types="./${types}"\n// Written by make vendor, see VENDOR.md and LICENSES.txt.`,
    },
    absWorkingDir: import.meta.dirname,
    metafile: true,
    write: false,
  });
  write(file, result.outputFiles[0].text, listPackages(result.metafile.inputs));
}

write("uplot.css", readFileSync(join(MODULES, "uplot/dist/uPlot.min.css"), "utf8"), ["uplot"]);

const symbols = Object.entries(ICONS).map(([id, name]) => {
  const source = readFileSync(join(MODULES, "lucide-static/icons", `${name}.svg`), "utf8");
  const shapes = /<svg[^>]*>(.*)<\/svg>/s.exec(source)[1].replace(/\s*\n\s*/g, "");
  return `<symbol id="${id}" viewBox="0 0 24 24">${shapes}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
write("icons.svg", sprite, ["lucide-static"]);

const packages = [...new Set(written.flatMap((entry) => entry.packages))].sort();
const licences = packages.map((name) => {
  const { version, license } = readPackage(name);
  return `${"=".repeat(100)}\n${name} ${version} (${license})\n\n${readLicence(name)}\n`;
});
writeFileSync(join(OUT, "LICENSES.txt"), licences.join("\n"));

const bundler = `esbuild ${readPackage("esbuild").version}`;
const files = written.map(({ file, bytes, packages }) => {
  const sum = createHash("sha256").update(bytes).digest("hex");
  return `| ${file} | ${bytes.length} | ${sum} | ${packages.join(", ")} |`;
});
const sources = packages.map((name) => {
  const { version, license } = readPackage(name);
  return `| ${name} | ${version} | ${license} |`;
});
writeFileSync(
  join(OUT, "VENDOR.md"),
  `# Libraries of others, as they are served

Written by \`make vendor\` from \`tools/vendor\` (\`package.json\`, \`package-lock.json\`, \`build.mjs\`): each library is one
ES module, bundled by ${bundler}. Do not edit them. The \`.d.ts\` beside them are ours. Texts of the licences: \`LICENSES.txt\`.

| file | bytes | SHA-256 | made of |
| --- | --- | --- | --- |
${files.join("\n")}

| package | version | licence |
| --- | --- | --- |
${sources.join("\n")}

Icons in \`icons.svg\`: ${Object.keys(ICONS).join(", ")}.
`,
);
