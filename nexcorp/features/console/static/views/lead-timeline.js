/** The history of a lead: calls, mails, meetings, notes and stage changes, newest first. */
/** @import { Interaction, LeadMove } from "../lib/types.d.ts" */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, may, me } from "../lib/api.js";
import { Paged, useDraft } from "../lib/store.js";
import {
  Ago,
  Empty,
  Icon,
  nameOf,
  PersonLink,
  Problem,
  Skeleton,
  toast,
  toastError,
  Words,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Stage } from "./leads-parts.js";

const ICONS = { call: "smartphone", mail: "mail", meeting: "users", note: "edit" };
const KINDS = Object.keys(ICONS);

/** Log an interaction with the lead; its time defaults to now. */
function Add({ lead, onAdded }) {
  const [text, setText, clear] = useDraft(`lead-${lead.id}`);
  const [kind, setKind] = useState("call");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget, at = form.at.value;
    if (!text.trim() || busy) return;
    setBusy(true);
    try {
      onAdded(
        await api("POST", `/leads/${lead.id}/interactions`, {
          kind,
          text: text.trim(),
          ...(at ? { happenedAt: new Date(at).toISOString() } : {}),
        }),
      );
      clear(text.trim());
      form.at.value = "";
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <form class="card stack" onSubmit=${submit}>
      <div class="wrap kinds" role="group" aria-label=${t("leads.kind")}>${KINDS.map((one) =>
        html`<button key=${one} type="button" aria-pressed=${one === kind} onClick=${() =>
          setKind(one)}><${Icon}
      name=${ICONS[one]} /> ${t(`leads.kinds.${one}`)}</button>`
      )}</div>
      <textarea rows="2" maxlength="5000" aria-label=${t("leads.what")} placeholder=${t(
        "leads.what",
      )} value=${text}
        onInput=${(event) => setText(event.target.value)} onKeyDown=${(event) =>
          event.key === "Enter" && (event.ctrlKey || event.metaKey) &&
          event.currentTarget.form.requestSubmit()}></textarea>
      <div class="wrap"><label class="wrap"><span class="muted">${t(
        "leads.when",
      )}</span><input type="datetime-local"
          name="at" /></label><span class="grow"></span><button class="primary" disabled=${busy ||
            !text.trim()}>${t("app.add")}</button></div>
    </form>
  `;
}

/** One interaction. */
function Happened({ one, lead, list }) {
  const [editing, setEditing] = useState(false);
  const [text, setText] = useState(one.text);
  const mine = one.author?.id === me.value.id;
  const path = `/leads/${lead.id}/interactions/${one.id}`;
  const save = async (event) => {
    event.preventDefault();
    try {
      list.put(await api("PATCH", path, { text: text.trim(), version: one.version }));
      setEditing(false);
    } catch (error) {
      if (error.current) list.put(error.current);
      toast(error.code === "stale_version" ? t("leads.stale") : error.first, "error");
    }
  };
  const remove = async () => {
    list.remove(one.id);
    try {
      await api("DELETE", path);
      toast(t("app.deleted"));
    } catch (error) {
      list.load();
      toastError(error);
    }
  };
  return html`<div class="grow stack"><div class="wrap"><b>${t(`leads.kinds.${one.kind}`)}</b>
      <${PersonLink} person=${one.author} /> <span class="muted"><${Ago} at=${one.happenedAt} /></span>
      <span class="grow"></span>
      ${
    mine && may("lead:update") && html`
      <button class="icon-button" aria-label=${t("leads.editEntry")}
        onClick=${() => setEditing(!editing)}><${Icon} name="edit" /></button>
    `
  }
      ${
    (may("lead:delete") || (mine && may("lead:update"))) && html`
      <button class="icon-button"
        aria-label=${t("leads.deleteEntry")} onClick=${remove}><${Icon} name="x" /></button>
    `
  }</div>
    ${
    editing
      ? html`
        <form class="stack" onSubmit=${save}>
          <textarea rows="2" maxlength="5000" aria-label=${t("leads.what")} value=${text} onInput=${(event) =>
            setText(event.target.value)}></textarea>
          <div class="wrap"><button class="primary" disabled=${!text.trim()}>${t("app.save")}</button>
                  <button type="button" class="quiet" onClick=${() => setEditing(false)}>${t(
                    "app.cancel",
                  )}</button></div>
        </form>
      `
      : html`
        <p class="said">
          <${Words} text=${one.text} />
        </p>
      `
  }</div>`;
}

const Moved = ({ one }) =>
  html`<div class="grow wrap"><span>${
    t(one.from ? "leads.movedBy" : "leads.madeBy", { name: nameOf(one.actor) })
  }</span>${one.from && html`<${Stage} stage=${one.from} /><span aria-hidden="true">→</span>`}<${Stage}
    stage=${one.to} /><span class="muted"><${Ago} at=${one.createdAt} /></span></div>`;

export function Timeline({ lead, round, writable }) {
  const [talks] = useState(() => new Paged(`/leads/${lead.id}/interactions?limit=50`));
  const [moves] = useState(() => new Paged(`/leads/${lead.id}/stage-log?limit=100`));
  useEffect(() => {
    talks.load(`/leads/${lead.id}/interactions?limit=50`);
    moves.load(`/leads/${lead.id}/stage-log?limit=100`);
  }, [lead.id, round]);
  const problem = talks.problem.value ?? moves.problem.value;
  /** @type {any[]} */
  const all = [
    ...(talks.items.value ?? []).map((one) => ({
      at: one.happenedAt,
      icon: ICONS[one.kind],
      talk: one,
      move: null,
      id: one.id,
    })),
    ...(moves.items.value ?? []).map((one) => ({
      at: one.createdAt,
      icon: "trending-up",
      move: one,
      id: one.id,
    })),
  ].sort((one, other) => Date.parse(other.at) - Date.parse(one.at) || (one.id < other.id ? 1 : -1));
  // Hold back moves older than the last loaded interaction: the next page may have interactions newer than they are.
  const last = talks.cursor.value ? Date.parse(talks.items.value?.at(-1)?.happenedAt) : 0;
  return html`<section class="stack" aria-labelledby="lead-timeline"><h2 id="lead-timeline">${
    t("leads.timeline")
  }</h2>
    ${writable && html`<${Add} lead=${lead} onAdded=${(one) => talks.put(one)} />`}
    ${
    talks.items.value === null || moves.items.value === null
      ? problem
        ? html`<${Problem} error=${problem} retry=${() => {
          talks.load();
          moves.load();
        }} />`
        : html`<${Skeleton} />`
      : all.length === 0
      ? html`<${Empty} icon="clock" title=${t("leads.noTimeline")}>${t("leads.noTimelineHint")}<//>`
      : html`<ol class="timeline">${
        all.filter(({ at }) => Date.parse(at) >= last).map(({ icon, talk, move, id }) =>
          html`
            <li key=${id}
              class=${move ? "move" : ""}><span class="bullet"><${Icon} name=${icon} /></span>${talk
                ? html`<${Happened} one=${talk} lead=${lead} list=${talks} />`
                : html`<${Moved} one=${move} />`}</li>
          `
        )
      }</ol>${
        talks.cursor.value &&
        html`<button class="quiet more" onClick=${() => talks.more()}>${t("app.more")}</button>`
      }`
  }</section>`;
}
