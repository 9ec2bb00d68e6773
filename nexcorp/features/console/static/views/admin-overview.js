/** The state of the service: current figures, plots of the last hour or day, and the running processes. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { get } from "../lib/api.js";
import { enter } from "../lib/live.js";
import { href, query, setQuery } from "../lib/router.js";
import { useAnswer } from "../lib/store.js";
import { Ago, Heading, Icon, number, Problem, Skeleton } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Plot } from "./plot.js";
/** @import { Overview, OverviewPoint } from "../lib/types.d.ts" */

/** Each plot: its name, its lines as [figure, name, token of its colour], its unit. @type {[string, [keyof OverviewPoint, string, string][], string][]} */
const PLOTS = [
  [
    "requests",
    [["requestsPerSecond", "requests", "--accent"], ["errorsPerSecond", "errors", "--danger"]],
    "/s",
  ],
  ["latency", [["latencyP50", "p50", "--accent"], ["latencyP99", "p99", "--warn"]], "ms"],
  ["sockets", [["sockets", "sockets", "--accent"]], ""],
  ["notifications", [["notificationsPerSecond", "notifications", "--accent"], [
    "deliveredPerSecond",
    "delivered",
    "--ok",
  ]], "/s"],
  ["outbox", [["outboxDepth", "depth", "--accent"], ["queueDepth", "queue", "--warn"]], ""],
  ["age", [["outboxAge", "age", "--accent"]], "s"],
  ["pool", [["poolBusy", "busy", "--accent"], ["poolSize", "size", "--muted"]], ""],
  ["processes", [["webNodes", "web", "--accent"], ["workers", "workers", "--ok"]], ""],
];

const MOST = { hour: 360, day: 288 };

/** Format a figure with few digits; a dash if it was not measured. */
const figure = (/** @type {number | null | undefined} */ value, unit = "") =>
  value === null || value === undefined
    ? "–"
    : `${number(value, { maximumFractionDigits: value < 10 ? 1 : 0 })}${unit && ` ${unit}`}`;

const Tile = (/** @type {any} */ { name, value, unit = "", tone = "", to }) => {
  const inner = html`<small class="muted">${t(`overview.tiles.${name}`)}</small><b class=${tone}>${
    figure(value)
  } ${value !== null && html`<small>${unit}</small>`}</b>`;
  return to
    ? html`<a class="card tile" href=${href(to)}>${inner}</a>`
    : html`<div class="card tile">${inner}</div>`;
};

function Tiles(/** @type {{now: Overview}} */ { now }) {
  const { latest, outbox } = now;
  return html`
    <section class="tiles" aria-label=${t("overview.now")}>
      <${Tile} name="users" value=${now.users} to="/admin/people" />
      <${Tile} name="sockets" value=${latest.sockets} />
      <${Tile} name="requests" value=${latest.requestsPerSecond} unit="/s" />
      <${Tile} name="latency" value=${latest.latencyP99} unit="ms" />
      <${Tile} name="outbox" value=${outbox.depth} tone=${outbox.age > 30 ? "warn" : ""} />
      <${Tile} name="age" value=${outbox.age} unit="s" tone=${outbox.age > 30 ? "warn" : ""} />
      <${Tile} name="dead" value=${outbox.dead} tone=${outbox.dead
        ? "danger"
        : "ok"} to="/admin/dead-letters" />
      <${Tile} name="workers" value=${now.workers} tone=${now.workers ? "" : "danger"} />
    </section>
  `;
}

function Nodes(/** @type {{now: Overview}} */ { now }) {
  return html`
    <section class="card scroll flush" aria-label=${t("overview.nodes")}>
      <table>
        <thead>
          <tr>${["process", "requests", "latency", "sockets", "delivered", "pool", "seen"].map((name) =>
            html`<th scope="col" key=${name}>${t(`overview.columns.${name}`)}</th>`
          )}</tr>
        </thead>
        <tbody>${now.nodes.map((node) =>
          html`
            <tr key=${node.id}>
              <td><span class="tag plain">${t(`overview.kinds.${node.kind}`)}</span> <code>${node
                .id}</code></td>
              <td>${figure(node.requestsPerSecond, "/s")}</td>
              <td>${figure(node.latencyP99, "ms")}</td>
              <td>${figure(node.sockets)}</td>
              <td>${figure(node.deliveredPerSecond, "/s")}</td>
              <td>${node.poolSize === null ? "–" : `${figure(node.poolBusy)} / ${figure(node.poolSize)}`}</td>
              <td class="muted">
                <${Ago} at=${node.at} />
              </td>
            </tr>
          `
        )}</tbody>
      </table>
    </section>
  `;
}

export default function AdminOverview() {
  const range = query.value.get("range") === "day" ? "day" : "hour";
  const [points, setPoints] = useState(/** @type {OverviewPoint[] | null} */ (null));
  const { value: now, problem, reload, set } = useAnswer("/admin/overview");
  useEffect(() => {
    setPoints(null);
    const load = () =>
      get(`/admin/overview/history?range=${range}`).then((answer) => setPoints(answer.data), () => {});
    load();
    const leave = enter("admin", (event, data) => {
      if (event !== "overview:updated") return;
      set(data);
      // In the hour's plot each frame is one point; the day's points are coarser and are loaded again.
      if (range === "hour") {
        setPoints((known) =>
          known && [...known.filter((one) => one.at < data.latest.at), data.latest].slice(-MOST.hour)
        );
      }
    }, load);
    const timer = range === "day" ? setInterval(load, 300_000) : undefined;
    return () => {
      leave();
      clearInterval(timer);
    };
  }, [range]);
  return html`
    <div class="page">
      <${Heading} title=${t("pages.overview")}>
        <div class="wrap">${["hour", "day"].map((one) =>
          html`<button key=${one} class=${one === range ? "chip on" : "chip"} aria-pressed=${
            one === range
          } onClick=${() => setQuery({ range: one === "hour" ? null : one })}>${
            t(`overview.ranges.${one}`)
          }</button>`
        )}</div>
        <a class="button" href="/metrics" target="_blank"><${Icon} name="activity" /> ${t(
          "overview.metrics",
        )}</a>
      <//>
      ${problem && html`<${Problem} error=${problem} retry=${reload} />`}
      ${now ? html`<${Tiles} now=${now} />` : !problem && html`<${Skeleton} count=${1} />`}
      ${points
        ? html`<div class="plots">${
          PLOTS.map(([name, lines, unit]) =>
            html`
              <${Plot} key=${name + range} title=${t(`overview.plots.${name}`)} unit=${unit} times=${points
                .map((one) => Date.parse(one.at) / 1000)}
                lines=${lines.map(([key, label, colour]) => ({
                  label: t(`overview.lines.${label}`),
                  colour,
                  values: points.map((one) => one[key]),
                }))} />
            `
          )
        }</div>`
        : html`<${Skeleton} count=${3} />`}
      ${now && html`<${Nodes} now=${now} />`}
    </div>
  `;
}
