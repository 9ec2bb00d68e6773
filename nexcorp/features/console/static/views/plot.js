/** A plot over time: y starts at 0, gaps where nothing was measured, times in the reader's locale. */
import { html, useEffect, useRef } from "../vendor/preact.js";
import { number } from "../lib/ui.js";
import { locale } from "../lib/words.js";

const HEIGHT = 150;
/** @type {Promise<any> | undefined} */
let library;

/** Load the library and its styles. */
function load() {
  const style = Object.assign(document.createElement("link"), {
    rel: "stylesheet",
    href: new URL("../vendor/uplot.css", import.meta.url).href,
  });
  document.head.append(style);
  return import("../vendor/uplot.js");
}

const token = (/** @type {string} */ name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Resolve a colour token for the canvas, which does not know light-dark(). */
function colourOf(/** @type {string} */ name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color || token(name);
}

/** @typedef {{label: string, colour: string, values: (number | null)[]}} Line */

/** The library's options for these lines. */
function describe(/** @type {Line[]} */ lines, /** @type {number} */ width) {
  const muted = colourOf("--muted"), line = colourOf("--line");
  const clock = new Intl.DateTimeFormat(locale.peek(), { hour: "2-digit", minute: "2-digit" });
  const axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: "12px system-ui",
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: {
      y: {
        range: (
          /** @type {any} */ _,
          /** @type {number} */ _low,
          /** @type {number} */ high,
        ) => [0, high > 0 ? high * 1.1 : 1],
      },
    },
    axes: [
      {
        ...axis,
        size: 28,
        space: 70,
        values: (/** @type {any} */ _, /** @type {number[]} */ at) =>
          at.map((one) => clock.format(one * 1000)),
      },
      {
        ...axis,
        size: 46,
        space: 36,
        values: (/** @type {any} */ _, /** @type {number[]} */ at) =>
          at.map((one) => number(one, { notation: "compact" })),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour }) => ({
        label,
        stroke: colourOf(colour),
        width: 1.75,
        spanGaps: false,
        points: { show: false },
      })),
    ],
  };
}

/** The newest measured value. */
const newest = (/** @type {(number | null)[]} */ values) => values.findLast((one) => one !== null);

/** A plot with the newest value of each line. */
export function Plot(
  /** @type {{title: string, unit: string, times: number[], lines: Line[]}} */ { title, unit, times, lines },
) {
  const box = useRef(/** @type {HTMLElement | null} */ (null)), plot = useRef(/** @type {any} */ (null));
  const data = [times, ...lines.map(({ values }) => values)];
  useEffect(() => {
    let ended = false;
    const element = /** @type {HTMLElement} */ (box.current);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = async () => {
      const { default: UPlot } = await (library ??= load());
      if (ended) return;
      plot.current?.destroy();
      plot.current = new UPlot(describe(lines, element.clientWidth), data, element);
    };
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT })
    );
    resized.observe(element);
    dark.addEventListener("change", draw);
    draw();
    return () => {
      ended = true;
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [times.at(-1), lines[0].values.at(-1)]);
  const say = (/** @type {number | null | undefined} */ value) =>
    value === undefined || value === null
      ? "–"
      : `${number(value, { maximumFractionDigits: value < 10 ? 1 : 0 })} ${unit}`.trim();
  return html`
    <figure class="card plot">
      <figcaption><b>${title}</b>${lines.map(({ label, colour, values }) =>
        html`<span key=${label} class="key"><i style=${{
          background: `var(${colour})`,
        }}></i>${label} <b class="count">${say(newest(values))}</b></span>`
      )}</figcaption>
      <div ref=${box} aria-hidden="true"></div>
    </figure>
  `;
}
