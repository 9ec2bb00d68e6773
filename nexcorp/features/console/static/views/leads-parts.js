/** Parts that the pages of leads share: labels, money, the form of a lead, and moving one. */
/** @import { Lead } from "../lib/types.d.ts" */
import { html, useState } from "../vendor/preact.js";
import { api, get, me } from "../lib/api.js";
import { href } from "../lib/router.js";
import { Ago, Avatar, Dialog, Field, Icon, nameOf, number, toast, toastError, useForm } from "../lib/ui.js";
import { locale, t } from "../lib/words.js";
import { PersonPicker } from "./picker.js";

export const STAGES = ["new", "contacted", "qualified", "won", "lost"];
export const SOURCES = [
  "website",
  "referral",
  "event",
  "advertisement",
  "outbound",
  "partner",
  "import",
  "other",
];
export const REASONS = ["price", "timing", "competitor", "no_need", "no_answer", "duplicate", "other"];

/** Format an amount with its currency; round amounts without decimals. */
export const money = (value, currency) =>
  new Intl.NumberFormat(locale.value, {
    style: "currency",
    currency,
    maximumFractionDigits: Number(value) % 1 ? 2 : 0,
    minimumFractionDigits: 0,
  }).format(Number(value));

/** The total value of some leads, one sum per currency. */
export function worth(leads) {
  const sums = {};
  for (const { value, currency } of leads) if (value) sums[currency] = (sums[currency] ?? 0) + Number(value);
  return Object.entries(sums).map(([currency, sum]) => money(sum, currency)).join(" · ");
}

/** A lead's score as a small bar with its number. */
export const Score = ({ score }) =>
  html`<span class=${`score ${score >= 70 ? "high" : score >= 35 ? "middle" : ""}`} title=${t("leads.score")}>
    <i style=${{ width: `${score * 0.26}px` }}></i><span class="visually-hidden">${t("leads.score")} </span>${
    number(score)
  }
  </span>`;

export const Stage = ({ stage }) =>
  html`<span class=${`status stage-${stage}`}><i></i>${t(`leads.stages.${stage}`)}</span>`;

export const LeadCard = ({ lead }) =>
  html`<article class="task-card" aria-label=${lead.name}>
    <a class="card-link" href=${href(`/leads/${lead.id}`)} draggable=${false}>${lead.name}</a>
    ${lead.company && html`<p class="muted">${lead.company}</p>`}
    <footer><div class="card-facts"><${Score} score=${lead.score} />
      ${lead.value && html`<b>${money(lead.value, lead.currency)}</b>`}
      ${
    lead.lastInteractionAt && html`<span title=${t("leads.lastContact")}><${Icon} name="clock" /> <${Ago}
        at=${lead.lastInteractionAt} /></span>`
  }
      </div>
      ${
    lead.owner && html`<span title=${nameOf(lead.owner)}><${Avatar} person=${lead.owner} small /><span
        class="visually-hidden">${nameOf(lead.owner)}</span></span>`
  }</footer>
  </article>`;

/**
 * Move a lead to a stage, if its version is still current.
 * @param {any} lead
 * @param {any} body the stage, and the reason for a loss
 * @param {(now: any, refused?: boolean) => void} settle
 */
export async function moveLead(lead, body, settle) {
  try {
    const now = await api("PUT", `/leads/${lead.id}/stage`, body, {
      headers: { "If-Match": `"${lead.version}"` },
    });
    settle(now);
    return now;
  } catch (error) {
    settle(error.status === 412 ? error.current ?? await get(`/leads/${lead.id}`) : lead, true);
    if (error.status === 412) toast(t("leads.stale"), "error");
    else toastError(error);
  }
}

/** Ask why a lead is lost before moving it to that stage. */
export function LostDialog({ onClose, onChosen }) {
  const submit = (event) => {
    event.preventDefault();
    const { reason, note } = Object.fromEntries(new FormData(event.currentTarget));
    onClose();
    onChosen({ stage: "lost", lostReason: reason, ...(note ? { lostNote: note } : {}) });
  };
  return html`
    <${Dialog} title=${t("leads.whyLost")} onClose=${onClose}>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("leads.lostReason")}><select name="reason" autofocus>${REASONS.map((one) =>
          html`<option key=${one} value=${one}>${t(`leads.reasons.${one}`)}</option>`
        )}</select><//>
          <${Field} label=${t(
            "leads.lostNote",
          )}><textarea name="note" rows="2" maxlength="1000"></textarea><//>
          <div class="row"><span class="grow"></span>
            <button type="button" class="quiet" onClick=${onClose}>${t("app.cancel")}</button>
            <button class="primary">${t("leads.markLost")}</button></div>
        </form><//>
  `;
}

const TEXTS = [
  ["company", "text", 200],
  ["jobTitle", "text", 100],
  ["email", "email", 254],
  ["phone", "tel", 40],
  ["website", "url", 2000],
];

/** A dialog with all fields of a new lead, or of `lead`. Warns of possible duplicates. */
export function LeadForm({ lead, onClose, onDone }) {
  const [owner, setOwner] = useState(/** @type {any} */ (lead ? lead.owner : me.peek()));
  const [picking, setPicking] = useState(false);
  const [same, setSame] = useState(/** @type {any[] | null} */ (null));
  const { busy, problem, errors, submit } = useForm(async (values, form) => {
    const text = (name) => values[name]?.trim() || null;
    const body = {
      ...Object.fromEntries([...TEXTS.map(([name]) => name), "notes"].map((name) => [name, text(name)])),
      name: values.name.trim(),
      source: values.source,
      score: Number(values.score),
      value: text("value"),
      currency: text("value") ? text("currency") : null,
      ownerId: owner?.id ?? null,
      ...(form.elements.namedItem("allow")?.["checked"] ? { allowDuplicate: true } : {}),
    };
    try {
      onDone(
        lead
          ? await api("PATCH", `/leads/${lead.id}`, { ...body, version: lead.version })
          : await api("POST", "/leads", body),
      );
      onClose();
    } catch (error) {
      if (error.code === "lead_duplicate") {
        const found = await Promise.all(error.leadIds.map((id) => get(`/leads/${id}`).catch(() => null)));
        setSame(found.filter(Boolean));
      }
      if (error.code === "stale_version") {
        toast(t("leads.stale"), "error");
        onDone(error.current);
      }
      throw error;
    }
  });
  const input = ([name, type, most]) =>
    html`
      <${Field} key=${name} label=${t(`leads.${name}`)} error=${errors[name]} type=${type} name=${name}
        maxlength=${most} defaultValue=${lead?.[name] ?? ""} />
    `;
  return html`
    <${Dialog} title=${t(lead ? "leads.edit" : "leads.new")} onClose=${onClose} wide>
      <form class="form" onSubmit=${submit}>
        <${Field} label=${t("leads.name")} error=${errors.name} name="name" required maxlength="200" autofocus
          defaultValue=${lead?.name ?? ""} />
        <div class="fields">${TEXTS.map(input)}
            <${Field} label=${t("leads.source")}><select name="source">${SOURCES.map((one) =>
              html`<option key=${one} value=${one} selected=${one === (lead?.source ?? "other")}>${
                t(`leads.sources.${one}`)
              }</option>`
            )}</select><//>
            <${Field} label=${t("leads.value")} error=${errors
              .value} name="value" inputmode="decimal" maxlength="15"
              defaultValue=${lead?.value ?? ""} placeholder="1200.50" />
            <${Field} label=${t("leads.currency")} error=${errors
              .currency} name="currency" maxlength="3" minlength="3"
              defaultValue=${lead?.currency ?? "EUR"} />
            <${Field} label=${t("leads.score")} error=${errors
              .score} name="score" type="number" min="0" max="100"
              defaultValue=${lead?.score ?? 0} required />
            <div class="field"><span>${t("leads.owner")}</span>
              <button type="button" class="chooser" onClick=${() => setPicking(true)}>${owner
                ? html`<${Avatar} person=${owner} small />${nameOf(owner)}`
                : t("leads.nobody")}</button>${errors.ownerId &&
                html`<small class="problem">${errors.ownerId}</small>`}</div></div>
          <${Field} label=${t("leads.notes")} error=${errors
            .notes}><textarea name="notes" rows="3" maxlength="10000"
            >${lead?.notes ?? ""}</textarea><//>
          ${same && html`<div class="note warn stack" role="alert"><b>${t("leads.known")}</b>
        <ul>${
            same.map((one) =>
              html`<li key=${one.id}><a href=${href(`/leads/${one.id}`)} onClick=${onClose}>${one.name}</a>
          <span class="muted">${one.company}</span></li>`
            )
          }</ul>
        <label class="check"><input type="checkbox" name="allow" />${t("leads.another")}</label></div>`}
          ${problem && !same && !Object.keys(errors).length &&
            html`<p class="problem" role="alert">${problem.first}</p>`}
          <div class="row"><span class="grow"></span>
            <button type="button" class="quiet" onClick=${onClose}>${t("app.cancel")}</button>
            <button class="primary" disabled=${busy}>${t(lead ? "app.save" : "leads.create")}</button></div>
        </form>
        ${picking && html`
          <${PersonPicker} title=${t("leads.owner")} none=${t("leads.nobody")} onPick=${setOwner}
            onClose=${() => setPicking(false)} />
        `}<//>
  `;
}
