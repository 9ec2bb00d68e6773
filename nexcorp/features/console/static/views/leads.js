/** Leads: a pipeline of stages or a list; search, create, import. */
import { html, signal, useEffect, useMemo, useState } from "../vendor/preact.js";
import { get, may, me } from "../lib/api.js";
import { bindAll } from "../lib/keys.js";
import { follow, standIn } from "../lib/live.js";
import { inTurn, isChanging } from "../lib/turns.js";
import { go, href, query, setQuery } from "../lib/router.js";
import {
  Ago,
  Avatar,
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
import { CsvImport } from "./csv-import.js";
import { Kanban } from "./kanban.js";
import {
  LeadCard,
  LeadForm,
  LostDialog,
  money,
  moveLead,
  Score,
  SOURCES,
  Stage,
  STAGES,
  worth,
} from "./leads-parts.js";
import { saveFile } from "./tasks-list.js";

const FILTERS = ["owner", "source", "q"];
const FITS = {
  owner: (lead, value, own) => lead.owner?.id === (value === "me" ? own : value),
  source: (lead, value) => lead.source === value,
};

/** The loaded leads by stage, kept current by frames. */
class Pipeline {
  constructor(filters) {
    this.filters = filters;
    /** @type {import("../vendor/preact.js").Signal<Map<string, any> | null>} */
    this.leads = signal(null);
    /** @type {import("../vendor/preact.js").Signal<Record<string, string | null>>} */
    this.cursors = signal({});
    this.problem = signal(null);
  }

  read = (stage, cursor) =>
    get(`/leads?${new URLSearchParams({
      stage,
      sort: "score",
      limit: "50",
      ...this.filters,
      ...(cursor ? { cursor } : {}),
    })}`);

  load = async () => {
    try {
      const pages = await Promise.all(STAGES.map((stage) => this.read(stage)));
      standIn("leads", pages[0].epoch, Math.min(...pages.map(({ seq }) => seq)));
      this.leads.value = new Map(pages.flatMap(({ data }) => data.map((lead) => [lead.id, lead])));
      this.cursors.value = Object.fromEntries(STAGES.map((stage, at) => [stage, pages[at].nextCursor]));
      this.problem.value = null;
    } catch (error) {
      this.problem.value = error;
      throw error;
    }
  };

  more = async (stage) => {
    const page = await this.read(stage, this.cursors.peek()[stage]);
    const leads = new Map(this.leads.peek());
    for (const lead of page.data) leads.set(lead.id, lead);
    this.leads.value = leads;
    this.cursors.value = { ...this.cursors.peek(), [stage]: page.nextCursor };
  };

  put = (lead, force = false) => {
    const leads = new Map(this.leads.peek() ?? []), known = leads.get(lead.id);
    if (known && !force && (lead.version < known.version || isChanging(lead.id))) return;
    leads.set(lead.id, { ...known, ...lead });
    this.leads.value = leads;
  };

  apply = (event, data) => {
    if (event === "lead:imported") this.load().catch(() => {});
    else if (event === "lead:deleted") {
      const leads = new Map(this.leads.peek() ?? []);
      if (leads.delete(data.id)) this.leads.value = leads;
    } else if (event === "lead:created" || event === "lead:updated") {
      // Only the service can tell whether a lead matches the search text.
      const fits = ["owner", "source"].every((name) =>
        !this.filters[name] || FITS[name](data, this.filters[name], me.peek().id)
      );
      if (this.leads.peek()?.has(data.id) || (fits && !this.filters.q)) this.put(data);
    }
  };

  cards(stage) {
    return [...this.leads.value?.values() ?? []].filter((lead) => lead.stage === stage)
      .sort((one, other) => other.score - one.score || (one.id < other.id ? 1 : -1));
  }
}

const Row = ({ lead }) =>
  html`
    <tr>
      <td><a class="plain" href=${href(`/leads/${lead.id}`)}><b>${lead.name}</b></a>
          <small class="muted">${lead.company}</small></td>
      <td>
        <${Stage} stage=${lead.stage} />
      </td>
      <td class="wide-only">
        <${Score} score=${lead.score} />
      </td>
      <td class="amount">${lead.value && money(lead.value, lead.currency)}</td>
      <td class="wide-only">${t(`leads.sources.${lead.source}`)}</td>
      <td class="wide-only">${lead.owner &&
        html`<span class="wrap"><${Avatar} person=${lead.owner} small />${nameOf(lead.owner)}</span>`}</td>
      <td class="wide-only muted">${lead.lastInteractionAt &&
        html`<${Ago} at=${lead.lastInteractionAt} />`}</td>
    </tr>
  `;

const LeadTable = ({ pipeline }) => {
  const leads = [...pipeline.leads.value.values()].sort((one, other) => one.id < other.id ? 1 : -1);
  return html`
    <div class="list wide-scroll" tabindex="0" role="region" aria-label=${t("pages.leads")}>
      <table class="leads-table">
        <thead>
          <tr>${["name", "stage", "score", "value", "source", "owner", "lastContact"].map((name, at) =>
            html`<th key=${name} scope="col" class=${at === 3 ? "amount" : at > 1 ? "wide-only" : ""}>${
              t(`leads.${name}`)
            }</th>`
          )}</tr>
        </thead>
        <tbody>${leads.map((lead) => html`<${Row} key=${lead.id} lead=${lead} />`)}</tbody>
      </table>
    </div>
        ${STAGES.some((stage) => pipeline.cursors.value[stage]) &&
          html`<button class="quiet more" onClick=${() =>
            Promise.all(STAGES.filter((stage) => pipeline.cursors.peek()[stage]).map(pipeline.more)).catch(
              toastError,
            )}>${t("app.more")}</button>`}
  `;
};

export default function Leads() {
  const filters = Object.fromEntries(
    FILTERS.flatMap((name) => query.value.get(name) ? [[name, query.value.get(name)]] : []),
  );
  const key = JSON.stringify(filters), tab = query.value.get("tab") ?? "pipeline";
  const pipeline = useMemo(() => new Pipeline(filters), [key]);
  const [words, setWords] = useState(filters.q ?? "");
  const [asking, setAsking] = useState("");
  const [losing, setLosing] = useState(/** @type {any} */ (null));
  useEffect(() => follow("leads", pipeline.load, pipeline.apply), [pipeline]);
  useEffect(() => {
    const timer = setTimeout(() => words.trim() !== (filters.q ?? "") && setQuery({ q: words.trim() }), 300);
    return () => clearTimeout(timer);
  }, [words]);
  useEffect(() => bindAll([["n", "leads.new", () => may("lead:create") && setAsking("new")]]), []);
  const settle = (now) => pipeline.put(now, true);
  const move = async (lead, body, undoable = true) => {
    pipeline.put({ ...lead, ...body }, true);
    const now = await inTurn(lead.id, (isLast) => {
      const known = pipeline.leads.peek()?.get(lead.id) ?? lead;
      return moveLead(
        { ...lead, version: known.version },
        body,
        (settled, refused) => settle(refused || isLast() ? settled : { ...known, version: settled.version }),
      );
    });
    if (!now || !undoable) return;
    const back = { stage: lead.stage, ...(lead.lostReason ? { lostReason: lead.lostReason } : {}) };
    toast(t("leads.moved", { name: lead.name, stage: t(`leads.stages.${now.stage}`) }), "info", {
      label: t("app.undo"),
      run: () => move(pipeline.leads.peek()?.get(lead.id) ?? now, back, false),
    });
  };
  const columns = STAGES.map((stage) => {
    const cards = pipeline.cards(stage);
    return {
      key: stage,
      name: t(`leads.stages.${stage}`),
      total: cards.length,
      about: worth(cards),
      cards,
      more: pipeline.cursors.value[stage] ? () => pipeline.more(stage).catch(toastError) : undefined,
    };
  });
  const made = (lead) => {
    pipeline.put(lead);
    toast(t("leads.made"), "info", { label: t("leads.open"), run: () => go(`/leads/${lead.id}`) });
  };
  const leads = pipeline.leads.value, filtered = Object.keys(filters).length > 0;
  const choice = (name, any, options) =>
    html`<label><span class="visually-hidden">${t(`leads.${name}`)}</span>
      <select class=${filters[name] ? "set" : ""} value=${filters[name] ?? ""} onChange=${(event) =>
      setQuery({ [name]: event.target.value })}><option value="">${any}</option>${
      options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)
    }</select></label>`;
  return html`
    <div class=${`page work leads ${tab === "pipeline" ? "wide" : ""}`}>
      <${Heading} title=${t("pages.leads")}>
          ${may("lead:create") &&
            html`<button onClick=${() => setAsking("import")}><${Icon} name="upload" /> ${
              t("leads.import")
            }</button>`}
          <button class="wide-only" onClick=${() =>
            saveFile(`/leads/export?${new URLSearchParams(filters)}`, "leads.csv").catch(toastError)}><${Icon}
            name="download" /> ${t("leads.export")}</button>
          ${may("lead:create") && html`<button class="primary" onClick=${() => setAsking("new")}><${Icon}
        name="plus" /> ${t("leads.new")} <kbd class="wide-only">n</kbd></button>`}<//>
        <nav class="tab-list" aria-label=${t("leads.views")}>${["pipeline", "list"].map((name) =>
          html`<button key=${name} aria-current=${name === tab ? "page" : undefined} onClick=${() =>
            setQuery({ tab: name })}>${t(`leads.tabs.${name}`)}</button>`
        )}</nav>
        <div class="wrap task-filters">
          <input type="search" maxlength="100" value=${words} aria-label=${t("leads.find")} placeholder=${t(
            "leads.find",
          )} onInput=${(event) => setWords(event.target.value)} />
          ${choice("owner", t("leads.anyOwner"), [["me", t("leads.mine")]])}
          ${choice(
            "source",
            t("leads.anySource"),
            SOURCES.map((one) => [one, t(`leads.sources.${one}`)]),
          )}</div>
        ${leads === null
          ? pipeline.problem.value
            ? html`<${Problem} error=${pipeline.problem.value} retry=${() =>
              pipeline.load().catch(() => {})} />`
            : html`<${Skeleton} />`
          : leads.size === 0
          ? html`<${Empty} icon="trending-up" title=${t(filtered ? "leads.nothing" : "leads.empty")}>${
            t(filtered ? "leads.nothingHint" : "leads.emptyHint")
          }<//>`
          : tab === "pipeline"
          ? html`
            <${Kanban} columns=${columns} label=${t("leads.tabs.pipeline")} ordered=${false}
              canMove=${() => may("lead:update")} empty=${t("leads.emptyStage")}
              onMove=${(lead, stage) => stage === "lost" ? setLosing(lead) : move(lead, { stage })}
              show=${(lead) => html`<${LeadCard} lead=${lead} />`} />
          `
          : html`<${LeadTable} pipeline=${pipeline} />`}
        ${losing &&
          html`<${LostDialog} onClose=${() => setLosing(null)} onChosen=${(body) => move(losing, body)} />`}
        ${asking === "new" && html`<${LeadForm} onClose=${() => setAsking("")} onDone=${made} />`}
        ${asking === "import" && html`
          <${CsvImport} path="/leads/import" title=${t("leads.import")}
            hint=${t("leads.importHint")} modes=${may("lead:update")
              ? ["skip", "update", "create"]
              : ["skip", "create"]}
            onClose=${() => setAsking("")} onDone=${() => pipeline.load().catch(() => {})} />
        `}
      </div>
  `;
}
