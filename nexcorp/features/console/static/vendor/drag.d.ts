/** What the console uses of pragmatic-drag-and-drop. Each function returns what undoes it. */

export type Undo = () => void;
export type Facts = Record<string | symbol, unknown>;
export interface Input {
  clientX: number;
  clientY: number;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
}
export interface Source {
  element: HTMLElement;
  dragHandle: Element | null;
  data: Facts;
}
export interface Target {
  element: Element;
  data: Facts;
}
export interface Place {
  input: Input;
  dropTargets: Target[];
}
export interface Move {
  source: Source;
  location: { initial: Place; current: Place; previous: { dropTargets: Target[] } };
}
export interface Handlers<M extends Move = Move> {
  onDragStart?(move: M): void;
  onDrag?(move: M): void;
  onDropTargetChange?(move: M): void;
  onDrop?(move: M): void;
}

export function draggable(
  options: Handlers & {
    element: HTMLElement;
    dragHandle?: Element;
    canDrag?(ask: { element: HTMLElement; input: Input }): boolean;
    getInitialData?(ask: { element: HTMLElement; input: Input }): Facts;
  },
): Undo;
export function dropTargetForElements(
  options: Handlers<Move & { self: Target }> & {
    element: Element;
    canDrop?(ask: { source: Source; input: Input; element: Element }): boolean;
    getData?(ask: { source: Source; input: Input; element: Element }): Facts;
    getIsSticky?(ask: { source: Source; input: Input; element: Element }): boolean;
    onDragEnter?(move: Move & { self: Target }): void;
    onDragLeave?(move: Move & { self: Target }): void;
  },
): Undo;
export function monitorForElements(
  options: Handlers & { canMonitor?(ask: { source: Source }): boolean },
): Undo;
export function autoScrollForElements(
  options: { element: Element; canScroll?(ask: { source: Source; element: Element }): boolean },
): Undo;
export function combine(...undo: Undo[]): Undo;
