/** What the console uses of Preact, its signals and htm. */

export type Key = string | number;
export type ComponentChild = VNode | object | string | number | bigint | boolean | null | undefined;
export type ComponentChildren = ComponentChild[] | ComponentChild;

export interface VNode {
  // deno-lint-ignore no-explicit-any
  type: any;
  // deno-lint-ignore no-explicit-any
  props: any;
  key: Key | null | undefined;
}

// deno-lint-ignore no-explicit-any
export type FunctionComponent<P = any> = (props: P) => ComponentChildren;

// deno-lint-ignore no-explicit-any
export class Component<P = any, S = any> {
  constructor(props?: P);
  props: P & { children?: ComponentChildren };
  state: S;
  setState(change: Partial<S> | ((state: S) => Partial<S>)): void;
  forceUpdate(): void;
  render(props: P, state: S): ComponentChildren;
  componentDidCatch?(error: unknown): void;
}

export function Fragment(props: { children?: ComponentChildren }): ComponentChildren;
// deno-lint-ignore no-explicit-any
export function h(type: any, props?: any, ...children: ComponentChildren[]): VNode;
export function render(what: ComponentChildren, where: Element | DocumentFragment | null): void;

/** Elements as a template: html`<p class=${name}>${text}</p>`. */
export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;

export interface Context<T> {
  Provider: FunctionComponent<{ value: T; children?: ComponentChildren }>;
  Consumer: FunctionComponent<{ children: (value: T) => ComponentChildren }>;
}
export function createContext<T>(value: T): Context<T>;

export type Inputs = ReadonlyArray<unknown>;
// deno-lint-ignore no-explicit-any
export function useCallback<F extends (...args: any[]) => any>(callback: F, inputs: Inputs): F;
export function useContext<T>(context: Context<T>): T;
export function useEffect(run: () => void | (() => void), inputs?: Inputs): void;
export function useLayoutEffect(run: () => void | (() => void), inputs?: Inputs): void;
export function useId(): string;
export function useMemo<T>(compute: () => T, inputs: Inputs): T;
export function useRef<T>(value: T): { current: T };
// deno-lint-ignore no-explicit-any
export function useRef<T = any>(value: null): { current: T | null };
export function useState<T>(value: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
// deno-lint-ignore no-explicit-any
export function useState<T = any>(): [T | undefined, (next: T | ((before: T | undefined) => T)) => void];

export interface ReadonlySignal<T> {
  readonly value: T;
  peek(): T;
  subscribe(see: (value: T) => void): () => void;
}
export interface Signal<T> extends ReadonlySignal<T> {
  value: T;
}
export function signal<T>(value: T): Signal<T>;
// deno-lint-ignore no-explicit-any
export function signal<T = any>(): Signal<T | undefined>;
export function computed<T>(compute: () => T): ReadonlySignal<T>;
export function effect(run: () => void | (() => void)): () => void;
export function batch<T>(run: () => T): T;
export function untracked<T>(run: () => T): T;
export function useSignal<T>(value: T): Signal<T>;
export function useComputed<T>(compute: () => T): ReadonlySignal<T>;
export function useSignalEffect(run: () => void | (() => void)): void;
