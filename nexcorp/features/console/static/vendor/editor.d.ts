/** What the console uses of CodeMirror and Yjs. */

/** Anything that configures an editor: a list of extensions is one, too. */
export type Extension = { readonly extension: Extension } | readonly Extension[];
export interface KeyBinding {
  key?: string;
  run?: (view: EditorView) => boolean;
  preventDefault?: boolean;
}
export interface Text {
  readonly length: number;
  readonly lines: number;
  toString(): string;
}
export interface TransactionSpec {
  changes?: { from: number; to?: number; insert?: string } | { from: number; to?: number; insert?: string }[];
  selection?: { anchor: number; head?: number };
  effects?: unknown;
  scrollIntoView?: boolean;
}
export class EditorState {
  static create(config?: { doc?: string; extensions?: Extension }): EditorState;
  static readonly readOnly: { of(value: boolean): Extension };
  static readonly tabSize: { of(value: number): Extension };
  readonly doc: Text;
  readonly readOnly: boolean;
}
export interface ViewUpdate {
  readonly docChanged: boolean;
  readonly selectionSet: boolean;
  readonly focusChanged: boolean;
  readonly state: EditorState;
  readonly view: EditorView;
}
export class EditorView {
  constructor(
    config: { state?: EditorState; doc?: string; extensions?: Extension; parent?: Element | DocumentFragment },
  );
  readonly dom: HTMLElement;
  readonly contentDOM: HTMLElement;
  readonly state: EditorState;
  dispatch(...changes: TransactionSpec[]): void;
  setState(state: EditorState): void;
  focus(): void;
  destroy(): void;
  static readonly lineWrapping: Extension;
  static readonly editable: { of(value: boolean): Extension };
  static readonly cspNonce: { of(nonce: string): Extension };
  static readonly contentAttributes: { of(attributes: Record<string, string>): Extension };
  static readonly updateListener: { of(see: (update: ViewUpdate) => void): Extension };
  static theme(rules: Record<string, Record<string, unknown>>, options?: { dark?: boolean }): Extension;
}
export class Compartment {
  of(extension: Extension): Extension;
  reconfigure(extension: Extension): unknown;
}
export const basicSetup: Extension;
export const minimalSetup: Extension;
export const keymap: { of(bindings: readonly KeyBinding[]): Extension };
export const indentWithTab: KeyBinding;
export function placeholder(text: string): Extension;
export class HighlightStyle {
  static define(rules: { tag: unknown; [property: string]: unknown }[]): HighlightStyle;
}
export const defaultHighlightStyle: HighlightStyle;
export function syntaxHighlighting(style: HighlightStyle, options?: { fallback?: boolean }): Extension;
// deno-lint-ignore no-explicit-any
export const tags: Record<string, any>;
export function markdown(config?: { codeLanguages?: unknown }): Extension;
export function python(): Extension;
export function javascript(config?: { jsx?: boolean; typescript?: boolean }): Extension;

// deno-lint-ignore no-explicit-any
type Listener = (...args: any[]) => void;

export namespace Y {
  class Doc {
    constructor(options?: { gc?: boolean; guid?: string });
    readonly clientID: number;
    getText(name?: string): Text;
    transact<T>(run: (transaction: unknown) => T, origin?: unknown): T;
    on(name: string, see: Listener): void;
    off(name: string, see: Listener): void;
    destroy(): void;
  }
  class Text {
    readonly length: number;
    readonly doc: Doc | null;
    insert(index: number, text: string): void;
    delete(index: number, length: number): void;
    observe(see: Listener): void;
    unobserve(see: Listener): void;
    toString(): string;
  }
  class UndoManager {
    constructor(scope: Text | Text[], options?: { captureTimeout?: number });
    undo(): unknown;
    redo(): unknown;
    clear(): void;
    destroy(): void;
  }
  function applyUpdate(doc: Doc, update: Uint8Array, origin?: unknown): void;
  function encodeStateAsUpdate(doc: Doc, vector?: Uint8Array): Uint8Array;
  function encodeStateVector(doc: Doc): Uint8Array;
}

/** Who else is in the document: a state for each client, `user` with name and colours among it. */
export interface Awareness {
  readonly clientID: number;
  // deno-lint-ignore no-explicit-any
  getLocalState(): Record<string, any> | null;
  // deno-lint-ignore no-explicit-any
  setLocalState(state: Record<string, any> | null): void;
  setLocalStateField(name: string, value: unknown): void;
  // deno-lint-ignore no-explicit-any
  getStates(): Map<number, Record<string, any>>;
  on(name: "change" | "update", see: Listener): void;
  off(name: "change" | "update", see: Listener): void;
}

export class WebsocketProvider {
  constructor(server: string, room: string, doc: Y.Doc, options?: {
    connect?: boolean;
    params?: Record<string, string>;
    protocols?: string[];
    maxBackoffTime?: number;
    resyncInterval?: number;
    disableBc?: boolean;
    /** Whether to connect again after a close. */
    shouldReconnect?: (event: CloseEvent, provider: WebsocketProvider) => boolean;
  });
  readonly awareness: Awareness;
  readonly synced: boolean;
  readonly wsconnected: boolean;
  readonly ws: WebSocket | null;
  protocols: string[];
  shouldConnect: boolean;
  /** What is done with a message, by its type; the provider's own list. */
  messageHandlers: ((encoder: unknown, decoder: { arr: Uint8Array; pos: number }) => void)[];
  connect(): void;
  disconnect(): void;
  destroy(): void;
  on(name: string, see: Listener): void;
  off(name: string, see: Listener): void;
}

export function yCollab(
  text: Y.Text,
  awareness: Awareness | null,
  options?: { undoManager?: Y.UndoManager | false },
): Extension;
export const yUndoManagerKeymap: readonly KeyBinding[];
