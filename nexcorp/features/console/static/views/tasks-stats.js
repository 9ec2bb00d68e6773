/** Statistics of tasks: counts, created and completed per week, and the burndown. Plots are plain SVG. */
/** @import { TaskStats as Stats } from "../lib/types.d.ts" */
import { html, useState } from "../vendor/preact.js";
import { may } from "../lib/api.js";
import { query } from "../lib/router.js";
import { useAnswer } from "../lib/store.js";
import { Avatar, Icon, nameOf, number, onDay, Problem, Skeleton } from "../lib/ui.js";
import { locale, t } from "../lib/words.js";
import { ownProjects, PRIORITIES, STATUSES } from "./tasks-parts.js";

const WIDTH = 320, HEIGHT = 96;

/** Format a duration in seconds in its most readable unit: "3 days". */
function lasting(seconds) {
  const [size, unit] = seconds < 5400 ? [60, "minute"] : seconds < 129_600 ? [3600, "hour"] : [86_400, "day"];
  return new Intl.NumberFormat(locale.value, {
    style: "unit",
    unit,
    unitDisplay: "long",
    maximumFractionDigits: seconds / size < 10 ? 1 : 0,
  }).format(seconds / size);
}

const Figure = ({ value, name, tone = "" }) =>
  html`<div class=${`figure ${tone}`}><b>${value}</b><span class="muted">${name}</span></div>`;

/** Two bars per week: tasks created and tasks completed. */
function Weeks({ weeks }) {
  const most = Math.max(1, ...weeks.flatMap(({ created, completed }) => [created, completed]));
  const step = WIDTH / weeks.length, wide = Math.min(12, step * 0.36);
  const bar = (value, x, name) => {
    const high = value / most * (HEIGHT - 4);
    return html`<rect class=${name} x=${x} y=${HEIGHT - high} width=${wide} height=${high} rx="1.5" />`;
  };
  return html`
    <svg class="stat-plot" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${t(
      "tasks.stats.weeks",
    )}>
      <line x1="0" x2=${WIDTH} y1=${HEIGHT - 0.5} y2=${HEIGHT - 0.5} />
      ${weeks.map(({ week, created, completed }, at) =>
        html`<g key=${week}><title>${
          t("tasks.stats.week", { week: onDay(week), created: number(created), completed: number(completed) })
        }</title>
          <rect class="zone" x=${at * step} y="0" width=${step} height=${HEIGHT} />
          ${bar(created, at * step + step / 2 - wide - 0.5, "made")}
          ${bar(completed, at * step + step / 2 + 0.5, "done")}</g>`
      )}
    </svg>
  `;
}

/** The number of open tasks at the end of each day. */
function Burndown({ days }) {
  const most = Math.max(1, ...days.map(({ open }) => open));
  const step = WIDTH / Math.max(1, days.length - 1);
  const points = days.map(({ open }, at) => `${at * step},${HEIGHT - 1 - open / most * (HEIGHT - 6)}`);
  return html`
    <svg class="stat-plot" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${t(
      "tasks.stats.burndown",
    )}>
      <polygon points=${`0,${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`} />
      <polyline points=${points.join(" ")} />
      ${days.map(({ day, open }, at) =>
        html`
          <g key=${day}>
            <title>${onDay(day)}: ${number(open)}</title>
            <rect class="zone" x=${(at - 0.5) * step} y="0" width=${step} height=${HEIGHT} />
          </g>
        `
      )}
    </svg>
  `;
}

/** A stacked bar of shares, with a legend below. */
const Shares = ({ names, counts, total, kind, words }) =>
  html`
    <div class=${`shares ${kind}`} aria-hidden="true">${names.map((name) =>
      counts[name] > 0 &&
      html`<i key=${name} class=${name} style=${{ flexGrow: counts[name] / Math.max(1, total) }}></i>`
    )}</div>
    <ul class="wrap legend">${names.map((name) =>
      html`<li key=${name}><i class=${name}></i>${t(`tasks.${words}.${name}`)} <b class="count">${
        number(counts[name])
      }</b></li>`
    )}</ul>
  `;

export function TaskStats() {
  const here = query.value.get("project");
  const [scope, setScope] = useState(here ?? "me");
  const of = scope === "me" || scope === "all" ? `scope=${scope}` : `project=${scope}`;
  const { value, problem, reload } = useAnswer(`/tasks/stats?weeks=12&${of}`);
  /** @type {Stats | null} */
  const stats = value;
  return html`
    <section class="card stats" aria-labelledby="task-stats">
      <div class="row"><h2 id="task-stats">${t("tasks.stats.title")}</h2>
        <label><span class="visually-hidden">${t("tasks.stats.of")}</span>
          <select value=${scope} onChange=${(event) => setScope(event.target.value)}>
            <option value="me">${t("tasks.stats.me")}</option>
            ${may("task:manage") && html`<option value="all">${t("tasks.stats.all")}</option>`}
            ${ownProjects().map(({ id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}
          </select></label>
        <button class="icon-button" aria-label=${t("tasks.stats.reload")} onClick=${reload}><${Icon}
            name="refresh-cw" /></button></div>
      ${problem
        ? html`<${Problem} error=${problem} retry=${reload} />`
        : !stats
        ? html`<${Skeleton} count=${1} />`
        : html`
          <div class="figures">
            <${Figure} value=${number(stats.open)} name=${t("tasks.stats.open")} />
            <${Figure} value=${number(stats.overdue)} name=${t("tasks.overdue")}
              tone=${stats.overdue ? "danger" : ""} />
            <${Figure} value=${number(stats.throughput.at(-1)?.completed ?? 0)} name=${t(
              "tasks.stats.thisWeek",
            )} />
            <${Figure} value=${stats.cycleSeconds === null ? "–" : lasting(stats.cycleSeconds)}
              name=${t("tasks.stats.cycle")} />
          </div>
          <div class="stat-plots">
            <figure><figcaption>${t("tasks.stats.weeks")}
              <span class="legend"><i class="made"></i>${t("tasks.stats.made")} <i class="done"></i>${t(
                "tasks.stats.done",
              )}</span></figcaption>
              <${Weeks} weeks=${stats.throughput} /></figure>
            <figure><figcaption>${t("tasks.stats.burndown")}</figcaption>
              ${stats.burndown.length > 1
                ? html`<${Burndown} days=${stats.burndown} />`
                : html`<p class="muted">${t("tasks.stats.tomorrow")}</p>`}</figure>
            <figure><figcaption>${t("tasks.stats.states")}</figcaption>
              ${Shares({
                names: STATUSES,
                counts: stats.byStatus,
                total: stats.total,
                kind: "by-status",
                words: "statuses",
              })}
              ${Shares({
                names: PRIORITIES,
                counts: stats.byPriority,
                total: stats.total,
                kind: "by-priority",
                words: "priorities",
              })}</figure>
            ${stats.byAssignee.length > 0 && html`
              <figure>
                <figcaption>${t("tasks.stats.load")}</figcaption>
                <ul class="load">${stats.byAssignee.slice(0, 6).map(({ user, open }) =>
                  html`<li key=${user.id}><${Avatar} person=${user} small /><span>${nameOf(user)}</span>
                  <meter min="0" max=${stats.byAssignee[0].open} value=${open} aria-label=${
                    nameOf(user)
                  }></meter><b class="count">${number(open)}</b></li>`
                )}</ul>
              </figure>
            `}
          </div>
        `}
    </section>
  `;
}
