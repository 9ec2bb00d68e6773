/** One lead: its data, its stage and its history. */
/** @import { Lead as LeadShape } from "../lib/types.d.ts" */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get, may } from "../lib/api.js";
import { follow } from "../lib/live.js";
import { go, href } from "../lib/router.js";
import {
  Ago,
  Avatar,
  Dialog,
  Empty,
  Heading,
  Icon,
  nameOf,
  Problem,
  Skeleton,
  toast,
  toastError,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
import { MergeDialog } from "./lead-merge.js";
import { Timeline } from "./lead-timeline.js";
import { LeadForm, LostDialog, money, moveLead, Stage, STAGES } from "./leads-parts.js";
import { PersonPicker } from "./picker.js";
import { Fact } from "./task-fields.js";
import { NewTask } from "./tasks-new.js";

const Line = ({ name, children }) =>
  html`<div class="fact"><span class="muted">${name}</span><span class="value">${children}</span></div>`;

/** The score as a slider; sent when released. */
function ScoreField({ lead, put, writable }) {
  const [score, setScore] = useState(lead.score);
  useEffect(() => setScore(lead.score), [lead.score]);
  const send = async (value) => {
    if (value === lead.score) return;
    try {
      put(await api("PUT", `/leads/${lead.id}/score`, { score: value }));
    } catch (error) {
      setScore(lead.score);
      toastError(error);
    }
  };
  return html`<div class="fact"><label class="muted" for="lead-score">${t("leads.score")}</label>
    <input id="lead-score" type="range" min="0" max="100" value=${score} disabled=${!writable}
      onInput=${(event) => setScore(Number(event.target.value))}
      onChange=${(event) =>
    send(Number(event.target.value))} /><output for="lead-score" class="count">${score}</output></div>`;
}

/** The stages in a row; a click moves the lead to that stage. */
const Steps = ({ lead, writable, onMove }) =>
  html`<div class="stages" role="group" aria-label=${t("leads.stage")}>${
    STAGES.map((stage) =>
      html`
        <button key=${stage} class=${`stage-${stage}`} aria-pressed=${stage === lead.stage}
          disabled=${!writable} onClick=${() => stage !== lead.stage && onMove(stage)}>${t(
            `leads.stages.${stage}`,
          )}</button>
      `
    )
  }</div>`;

export default function Lead({ id }) {
  const [lead, setLead] = useState(/** @type {LeadShape | null} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [gone, setGone] = useState("");
  const [round, setRound] = useState(0);
  const [asking, setAsking] = useState("");
  const close = () => setAsking("");
  const put = (now) => {
    setLead((old) => !old || old.id !== now.id || now.version >= old.version ? now : old);
    setRound((old) => old + 1);
  };
  const load = async () => {
    try {
      setLead(await get(`/leads/${id}`));
      setProblem(null);
      setRound((old) => old + 1);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => {
    setGone("");
    setLead(null);
    return follow("leads", load, (event, data) => {
      if (event === "lead:imported") load();
      if (data.id !== id) return;
      if (event === "lead:deleted") setGone(data.mergedInto ?? "deleted");
      else put(data);
    });
  }, [id]);
  if (gone || problem || !lead) {
    return html`<div class="page work"><${Heading} title=${t("leads.lead")} hidden />${
      gone
        ? html`<${Empty} icon="trash" title=${t(gone === "deleted" ? "leads.deleted" : "leads.merged")}>
          <a href=${href(gone === "deleted" ? "/leads" : `/leads/${gone}`)}>${
          t(gone === "deleted" ? "leads.back" : "leads.toMerged")
        }</a><//>`
        : problem
        ? html`<${Problem} error=${problem} retry=${load} />`
        : html`<${Skeleton} />`
    }</div>`;
  }
  const writable = may("lead:update");
  const move = (body) => moveLead(lead, body, put);
  const assign = async (person) => {
    try {
      put(await api("PATCH", `/leads/${id}`, { ownerId: person?.id ?? null, version: lead.version }));
    } catch (error) {
      if (error.current) put(error.current);
      toast(error.code === "stale_version" ? t("leads.stale") : error.first, "error");
    }
  };
  const remove = async () => {
    close();
    try {
      await api("DELETE", `/leads/${id}`);
      toast(t("leads.deleted"));
      go("/leads");
    } catch (error) {
      toastError(error);
    }
  };
  return html`
    <div class="page work task-page" key=${id}>
      <nav class="task-crumbs" aria-label=${t("tasks.where")}><a href=${href("/leads")}>${t(
        "pages.leads",
      )}</a>
          <span class="muted">${t("leads.added")} <${Ago} at=${lead.createdAt} />${lead.createdBy
            ? ` · ${nameOf(lead.createdBy)}`
            : ""}</span></nav>
      <div class="task-main stack">
        <${Heading} title=${lead.name}>
            <${Stage} stage=${lead.stage} />
            ${may("task:create") &&
              html`<button onClick=${() => setAsking("task")}><${Icon} name="check-square" /> ${
                t("tasks.new")
              }</button>`}
            ${writable &&
              html`<button onClick=${() => setAsking("edit")}><${Icon} name="edit" /> ${
                t("app.edit")
              }</button>`}<//>
          ${(lead.jobTitle || lead.company) &&
            html`<p class="muted">${[lead.jobTitle, lead.company].filter(Boolean).join(" · ")}</p>`}
          <${Steps} lead=${lead} writable=${writable} onMove=${(stage) =>
            stage === "lost" ? setAsking("lost") : move({ stage })} />
          ${lead.lostReason &&
            html`<p class="note"><b>${t(`leads.reasons.${lead.lostReason}`)}</b> ${lead.lostNote ?? ""}</p>`}
          ${lead.notes && html`<p class="card notes">${lead.notes}</p>`}
          <${Timeline} lead=${lead} round=${round} writable=${writable} />
        </div>
        <aside class="task-side card" aria-label=${t("leads.fields")}>
          <${ScoreField} lead=${lead} put=${put} writable=${writable} />
          <${Fact} name=${t("leads.owner")} writable=${writable} onClick=${() =>
            setAsking("owner")}>${lead.owner
            ? html`<${Avatar} person=${lead.owner} small />${nameOf(lead.owner)}`
            : t("leads.nobody")}<//>
          <${Line} name=${t("leads.value")}>${lead.value ? money(lead.value, lead.currency) : "–"}<//>
          <${Line} name=${t("leads.source")}>${t(`leads.sources.${lead.source}`)}<//>
          <${Line} name=${t("leads.email")}>${lead.email
            ? html`<a href=${`mailto:${lead.email}`}>${lead.email}</a>`
            : "–"}<//>
          <${Line} name=${t("leads.phone")}>${lead.phone
            ? html`<a href=${`tel:${lead.phone}`}>${lead.phone}</a>`
            : "–"}<//>
          ${lead.website && /^https?:/.test(lead.website) && html`<${Line} name=${t("leads.website")}><a
        href=${lead.website} target="_blank" rel="noopener noreferrer">${
            lead.website.replace(/^https?:\/\//, "")
          }</a><//>`}
          <${Line} name=${t("leads.lastContact")}>${lead.lastInteractionAt
            ? html`<${Ago} at=${lead.lastInteractionAt} />`
            : "–"}<//>
          ${writable &&
            html`<button onClick=${() => setAsking("merge")}><${Icon} name="copy" /> ${
              t("leads.merge")
            }</button>`}
          ${may("lead:delete") &&
            html`<button class="danger quiet" onClick=${() => setAsking("delete")}><${Icon}
        name="trash" /> ${t("app.delete")}</button>`}
        </aside>
        ${asking === "edit" && html`<${LeadForm} lead=${lead} onClose=${close} onDone=${put} />`}
        ${asking === "task" && html`<${NewTask} given=${{ leadId: id }} onClose=${close} />`}
        ${asking === "lost" && html`<${LostDialog} onClose=${close} onChosen=${move} />`}
        ${asking === "owner" && html`
          <${PersonPicker} title=${t("leads.owner")} none=${t("leads.nobody")}
            onPick=${assign} onClose=${close} />
        `}
        ${asking === "merge" && html`<${MergeDialog} lead=${lead} onClose=${close} onMerged=${put} />`}
        ${asking === "delete" && html`
          <${Dialog} title=${t("leads.deleteTitle")} onClose=${close}>
            <p>${t("leads.deleteHint", { name: lead.name })}</p>
            <div class="row"><span class="grow"></span><button class="quiet" onClick=${close}>${t(
              "app.cancel",
            )}</button>
                  <button class="danger" onClick=${remove}>${t("app.delete")}</button></div>
            <//>
        `}
      </div>
  `;
}
