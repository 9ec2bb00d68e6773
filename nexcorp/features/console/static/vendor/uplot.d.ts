/** What the console uses of uPlot. Times are in seconds. */

export type Data = (ArrayLike<number | null> | number[])[];
export interface Series {
  label?: string;
  stroke?: string | ((plot: uPlot) => string);
  fill?: string | ((plot: uPlot) => string);
  width?: number;
  scale?: string;
  show?: boolean;
  dash?: number[];
  spanGaps?: boolean;
  points?: { show?: boolean; size?: number };
  value?: (plot: uPlot, value: number | null) => string | number;
}
export interface Axis {
  show?: boolean;
  scale?: string;
  side?: number;
  size?: number;
  gap?: number;
  space?: number;
  font?: string;
  stroke?: string | (() => string);
  grid?: { show?: boolean; stroke?: string | (() => string); width?: number };
  ticks?: { show?: boolean; stroke?: string | (() => string); size?: number };
  values?: (plot: uPlot, splits: number[]) => (string | number | null)[];
}
export interface Options {
  width: number;
  height: number;
  title?: string;
  class?: string;
  padding?: (number | null)[];
  series: Series[];
  axes?: Axis[];
  // deno-lint-ignore no-explicit-any
  scales?: Record<string, any>;
  // deno-lint-ignore no-explicit-any
  cursor?: any;
  // deno-lint-ignore no-explicit-any
  legend?: any;
  // deno-lint-ignore no-explicit-any
  hooks?: Record<string, ((plot: uPlot, ...args: any[]) => void)[]>;
}
export default class uPlot {
  constructor(options: Options, data: Data, target?: HTMLElement);
  readonly root: HTMLElement;
  readonly cursor: { idx: number | null; left: number; top: number };
  readonly data: Data;
  readonly width: number;
  readonly height: number;
  setData(data: Data, resetScales?: boolean): void;
  setSize(size: { width: number; height: number }): void;
  redraw(rebuildPaths?: boolean): void;
  destroy(): void;
}
