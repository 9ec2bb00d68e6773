/** A dialog that merges two leads: similar leads first, then a preview of the result. */
/** @import { Lead } from "../lib/types.d.ts" */
import { html, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { Dialog, toast, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Score, Stage } from "./leads-parts.js";
import { Picker } from "./picker.js";

const Shown = ({ lead, title }) =>
  html`<div class="card stack"><small class="muted">${title}</small><b>${lead.name}</b>
    ${
    ["company", "email", "phone", "jobTitle"].map((name) =>
      lead[name] && html`<span key=${name}>${lead[name]}</span>`
    )
  }
    <span class="wrap"><${Stage} stage=${lead.stage} /><${Score} score=${lead.score} /></span></div>`;

export function MergeDialog({ lead, onClose, onMerged }) {
  const [other, setOther] = useState(/** @type {Lead | null} */ (null));
  const { busy, problem, submit } = useForm(async () => {
    const now = await api("POST", `/leads/${lead.id}/merge`, { fromId: other?.id }, {
      headers: { "If-Match": `"${lead.version}"` },
    });
    toast(t("leads.mergeDone", { name: other?.name }));
    onMerged(now);
    onClose();
  });
  /** Without a search text: find leads with the same address, number, name or company. */
  const find = async (text) => {
    const words = text ? [text] : [lead.email, lead.phone, lead.name, lead.company].filter(Boolean);
    const pages = await Promise.all(words.map((one) => get(`/leads?limit=10&q=${encodeURIComponent(one)}`)));
    const found = new Map(pages.flatMap(({ data }) => data.map((one) => [one.id, one])));
    found.delete(lead.id);
    return [...found.values()];
  };
  if (!other) {
    return html`
      <${Picker} title=${t("leads.mergeWhich")} find=${find} onPick=${setOther}
        onClose=${() => {}} onCancel=${onClose}
        show=${(one) =>
          html`
            <span class="grow">${one.name}</span><small class="muted">${one.company}</small><${Stage}
              stage=${one.stage} />
          `} />
    `;
  }
  return html`
    <${Dialog} title=${t("leads.merge")} onClose=${onClose} wide>
      <form class="form" onSubmit=${submit}>
          <div class="pair"><${Shown} lead=${lead} title=${t("leads.stays")} /><${Shown} lead=${other}
            title=${t("leads.goes")} /></div>
          <p>${t("leads.mergeHint", { name: lead.name, other: other.name })}</p>
          ${problem && html`<p class="problem" role="alert">${problem.first}</p>`}
          <div class="row"><span class="grow"></span><button type="button" class="quiet" onClick=${onClose}>${t(
            "app.cancel",
          )}</button><button class="primary" disabled=${busy}>${t("leads.merge")}</button></div>
        </form>
      <//>
  `;
}
