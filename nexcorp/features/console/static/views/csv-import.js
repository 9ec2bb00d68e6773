/** A dialog that imports a CSV file: a dry run first, then the import. */
/** @import { Import } from "../lib/types.d.ts" */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { Dialog, Field, Icon, number, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";

const COUNTS = ["created", "updated", "skipped", "failed"];

/**
 * @param {{path: string, title: string, hint: string, modes?: string[], onClose: () => void, onDone: () => void}} given
 *   `path`: the import's path, with its query; `modes`: how to treat rows that exist already
 */
export function CsvImport({ path, title, hint, modes, onClose, onDone }) {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [mode, setMode] = useState(modes?.[0] ?? "");
  const [result, setResult] = useState(/** @type {Import | null} */ (null));
  const [busy, setBusy] = useState(false);
  const there = useRef(true);
  useEffect(() => () => {
    there.current = false;
  }, []);
  const send = async (dryRun) => {
    setBusy(true);
    setResult(null);
    try {
      const form = new FormData();
      form.append("file", /** @type {File} */ (file));
      const query = new URLSearchParams({ dryRun: String(dryRun), ...(mode ? { mode } : {}) });
      let now = await api("POST", `${path}${path.includes("?") ? "&" : "?"}${query}`, form);
      // A worker imports the file: poll until it has finished.
      for (let wait = 250; !now.finishedAt && there.current; wait = Math.min(2000, wait * 1.5)) {
        await new Promise((done) => setTimeout(done, wait));
        now = await get(`/imports/${now.id}`);
      }
      if (!there.current) return;
      setResult(now);
      if (!dryRun) onDone();
    } catch (error) {
      toastError(error);
    } finally {
      if (there.current) setBusy(false);
    }
  };
  const choose = (found) => {
    setFile(found ?? null);
    setResult(null);
  };
  const worthwhile = result?.dryRun && result.counts && result.counts.created + result.counts.updated > 0;
  return html`<${Dialog} title=${title} onClose=${onClose} wide>
    <p class="muted">${hint}</p>
    <${Field} label=${t("csv.file")} type="file" accept=".csv,text/csv" autofocus
      onChange=${(event) => choose(event.target.files[0])} />
    ${
    modes && html`<${Field} label=${t("csv.mode")}><select value=${mode} onChange=${(event) => {
      setMode(event.target.value);
      setResult(null);
    }}>${
      modes.map((one) => html`<option key=${one} value=${one}>${t(`csv.modes.${one}`)}</option>`)
    }</select><//>`
  }
    <div role="status" class="stack">
      ${busy && html`<p class="muted">${t("csv.busy")}</p>`}
      ${
    result?.counts && html`
      <b>${t(result.dryRun ? "csv.would" : "csv.did")}</b>
      <div class="figures">${COUNTS.map((name) =>
        html`<div key=${name} class=${`figure ${name === "failed" && result.counts?.failed ? "danger" : ""}`}>
          <b>${number(result.counts?.[name] ?? 0)}</b><span class="muted">${t(`csv.${name}`)}</span></div>`
      )}</div>
    `
  }
      ${
    (result?.rowErrors.length ?? 0) > 0 && html`
      <div class="wide-scroll" tabindex="0">
        <table>
          <thead>
            <tr>
              <th scope="col">${t("csv.row")}</th>
              <th scope="col">${t("csv.field")}</th>
              <th scope="col">${t("csv.problem")}</th>
            </tr>
          </thead>
          <tbody>${result?.rowErrors.map((one, at) =>
            html`
              <tr key=${at}>
                <td>${number(one.row)}</td>
                <td>${one.field}</td>
                <td>${one.message}</td>
              </tr>
            `
          )}</tbody>
        </table>
      </div>
    `
  }
    </div>
    <div class="row"><span class="grow"></span>
      ${
    result && !result.dryRun
      ? html`<button class="primary" onClick=${onClose}>${t("app.close")}</button>`
      : html`
        <button class=${worthwhile ? "" : "primary"} disabled=${!file || busy}
          onClick=${() => send(true)}><${Icon} name="eye" /> ${t("csv.look")}</button>
        <button class=${worthwhile ? "primary" : ""} disabled=${!file || busy || !result}
          onClick=${() => send(false)}><${Icon} name="upload" /> ${t("csv.take")}</button>
      `
  }</div><//>`;
}
