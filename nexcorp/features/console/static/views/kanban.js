/**
 * Columns of cards that are moved by dragging or by keyboard (Alt and an arrow on a card).
 *
 * The caller gives the columns and renders each card; `onMove` is called for each move.
 */
import { html, signal, useEffect, useRef, useState } from "../vendor/preact.js";
import {
  autoScrollForElements,
  combine,
  draggable,
  dropTargetForElements,
  monitorForElements,
} from "../vendor/drag.js";
import { bindAll } from "../lib/keys.js";
import { number } from "../lib/ui.js";
import { t } from "../lib/words.js";

/** @typedef {{id: string}} Card */
/** @typedef {{key: string, name: string, total: number, about?: any, cards: Card[], more?: () => void, add?: any}} KanbanColumn */
/** @typedef {{column: string, before: string | null}} Spot where a card would land; null: at the end */
/** @typedef {(card: any, column: string, place: {before?: string, after?: string} | null) => void} Mover */

/** The place of a card that is put before `before` in `cards`: the neighbour to name; null in an empty column. */
function placeIn(/** @type {Card[]} */ cards, /** @type {string | null} */ before) {
  if (before !== null) return { before };
  const last = cards.at(-1);
  return last ? { after: last.id } : null;
}

/** A card that can be dragged; `spot` marks where the dragged card would land. */
function Item(/** @type {any} */ { card, column, index, canMove, show, over, onKeyDown }) {
  const box = useRef(/** @type {HTMLLIElement | null} */ (null));
  const [taken, setTaken] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const target = dropTargetForElements({
      element,
      canDrop: ({ source }) => source.data.kanban === true,
      getData: ({ input }) => {
        const { top, height } = element.getBoundingClientRect();
        return { card: card.id, column, behind: input.clientY > top + height / 2 };
      },
    });
    if (!canMove) return target;
    return combine(
      target,
      draggable({
        element,
        getInitialData: () => ({ kanban: true, card: card.id, column }),
        onDragStart: () => setTaken(true),
        onDrop: () => setTaken(false),
      }),
    );
  }, [card.id, column, canMove]);
  return html`
    <li
      ref=${box}
      class=${`kanban-item ${taken ? "taken" : ""} ${over ? "over" : ""} ${canMove ? "movable" : ""}`}
      data-card=${card.id}
      data-index=${index}
      onKeyDown=${onKeyDown}
    >${show(card)}</li>
  `;
}

/** One column with its cards. */
function Column(/** @type {any} */ { column, spot, canMove, show, onKeyDown, empty }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (!box.current || !list.current) return;
    return combine(
      dropTargetForElements({
        element: box.current,
        canDrop: ({ source }) => source.data.kanban === true,
        getData: () => ({ column: column.key }),
      }),
      autoScrollForElements({ element: list.current }),
    );
  }, [column.key]);
  const here = spot?.column === column.key;
  return html`
    <section
      ref=${box}
      class=${`kanban-column ${here ? "target" : ""}`}
      aria-labelledby=${`column-${column.key}`}
      data-column=${column.key}
    >
      <header>
        <h2 id=${`column-${column.key}`}>
          ${column.name} <span class="count">${number(column.total)}</span>
        </h2>
        ${column.about && html`<small class="muted">${column.about}</small>`}
        ${column.add}
      </header>
      <ol ref=${list} class=${`kanban-cards ${here && spot.before === null ? "at-end" : ""}`}>
        ${column.cards.map((/** @type {Card} */ card, /** @type {number} */ index) =>
          html`
            <${Item} key=${card.id} card=${card} column=${column.key} index=${index}
              canMove=${canMove(card)} show=${show} over=${here && spot.before === card.id}
              onKeyDown=${(/** @type {KeyboardEvent} */ event) => onKeyDown(event, card, column)} />
          `
        )}
        ${column.cards.length === 0 && html`<li class="kanban-empty muted">${empty}</li>`}
        ${column.more &&
          html`<li><button class="quiet" onClick=${column.more}>${t("app.more")}</button></li>`}
      </ol>
    </section>
  `;
}

/**
 * The whole board.
 * @param {{columns: KanbanColumn[], label: string, show: (card: any) => any, canMove: (card: any) => boolean,
 *   ordered: boolean, onMove: Mover, empty: string}} given `ordered`: cards have an order inside their column
 */
export function Kanban({ columns, label, show, canMove, ordered, onMove, empty }) {
  const board = useRef(/** @type {HTMLElement | null} */ (null));
  const [spot] = useState(() => signal(/** @type {Spot | null} */ (null)));
  const [told, tell] = useState("");
  const focusing = useRef(/** @type {string | null} */ (null));
  const now = useRef({ columns, onMove, ordered });
  now.current = { columns, onMove, ordered };

  const find = (/** @type {string} */ key) => now.current.columns.find((one) => one.key === key);

  /** Move a card before another one or to the end of a column; does nothing if it is there already. */
  const move = (/** @type {string} */ id, /** @type {string} */ from, /** @type {Spot} */ to) => {
    const source = find(from), target = find(to.column);
    const card = source?.cards.find((one) => one.id === id);
    if (!card || !target) return;
    const others = target.cards.filter((one) => one.id !== id);
    if (from === to.column) {
      const at = target.cards.findIndex((one) => one.id === id);
      const next = target.cards[at + 1]?.id ?? null;
      if (!now.current.ordered || to.before === id || to.before === next) return;
    }
    now.current.onMove(card, to.column, now.current.ordered ? placeIn(others, to.before) : null);
    const place = to.before === null ? others.length : others.findIndex((one) => one.id === to.before);
    tell(t("kanban.moved", {
      column: target.name,
      place: (now.current.ordered ? place : 0) + 1,
      count: others.length + 1,
    }));
  };

  useEffect(() => {
    const end = monitorForElements({
      canMonitor: ({ source }) => source.data.kanban === true,
      onDrag: ({ location, source }) => {
        const next = spotOf(location.current.dropTargets, String(source.data.card));
        if (next?.column !== spot.peek()?.column || next?.before !== spot.peek()?.before) spot.value = next;
      },
      onDrop: ({ location, source }) => {
        const to = spotOf(location.current.dropTargets, String(source.data.card));
        spot.value = null;
        if (to) move(String(source.data.card), String(source.data.column), to);
      },
    });
    const scrolling = board.current ? autoScrollForElements({ element: board.current }) : () => {};
    return combine(end, scrolling);
  }, []);

  /** Where the dragged card would land: before or after the card under the pointer, or at the end of the column. */
  function spotOf(/** @type {any[]} */ targets, /** @type {string} */ dragged) {
    const [first] = targets;
    if (!first) return null;
    const column = String(first.data.column);
    if (!first.data.card || !now.current.ordered) return { column, before: null };
    const cards = (find(column)?.cards ?? []).filter((one) => one.id !== dragged);
    if (first.data.card === dragged) {
      const all = find(column)?.cards ?? [];
      return { column, before: all[all.findIndex((one) => one.id === dragged) + 1]?.id ?? null };
    }
    const at = cards.findIndex((one) => one.id === first.data.card) + (first.data.behind ? 1 : 0);
    return { column, before: cards[at]?.id ?? null };
  }

  const onKeyDown = (
    /** @type {KeyboardEvent} */ event,
    /** @type {Card} */ card,
    /** @type {KanbanColumn} */ column,
  ) => {
    if (!event.altKey || !event.key.startsWith("Arrow") || !canMove(card)) return;
    event.preventDefault();
    event.stopPropagation();
    const at = column.cards.findIndex((one) => one.id === card.id);
    const side = columns.findIndex((one) => one.key === column.key) +
      { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      if (!ordered) return;
      const by = event.key === "ArrowUp" ? -1 : 1;
      if (at + by < 0 || at + by >= column.cards.length) return;
      const others = column.cards.filter((one) => one.id !== card.id);
      focusing.current = card.id;
      move(card.id, column.key, { column: column.key, before: others[at + by]?.id ?? null });
    } else if (columns[side]) {
      focusing.current = card.id;
      move(card.id, column.key, { column: columns[side].key, before: columns[side].cards[at]?.id ?? null });
    }
  };

  // A card is a new element in its new column: restore its focus.
  useEffect(() => {
    if (!focusing.current) return;
    const link = /** @type {HTMLElement | null | undefined} */ (
      board.current?.querySelector(`[data-card="${focusing.current}"] a`)
    );
    if (!link) return;
    focusing.current = null;
    link.focus();
    link.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  useEffect(() => {
    const step = (/** @type {number} */ by) => {
      const links = /** @type {HTMLElement[]} */ ([
        ...board.current?.querySelectorAll(".kanban-item a.card-link") ?? [],
      ]);
      const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
    };
    return bindAll([
      ["j", "keys.next", () => step(1)],
      ["k", "keys.previous", () => step(-1)],
      ["Alt+←↑↓→", "keys.move", () => {}],
    ]);
  }, []);

  return html`
    <div ref=${board} class="kanban" role="group" aria-label=${label}>
      ${columns.map((column) =>
        html`
          <${Column} key=${column.key} column=${column} spot=${spot.value} canMove=${canMove}
            show=${show} onKeyDown=${onKeyDown} empty=${empty} />
        `
      )}
    </div>
    <p class="visually-hidden" role="status">${told}</p>
  `;
}
