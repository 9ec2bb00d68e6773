/** Tasks: the user's own by due date, a board, a filtered list, the trash; and statistics. */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { may } from "../lib/api.js";
import { bindAll } from "../lib/keys.js";
import { query, setQuery } from "../lib/router.js";
import { Heading, Icon } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { TaskBoard } from "./tasks-board.js";
import { TaskList } from "./tasks-list.js";
import { MyTasks } from "./tasks-mine.js";
import { NewTask } from "./tasks-new.js";
import { useProjects } from "./tasks-parts.js";
import { TaskStats } from "./tasks-stats.js";
import { Trash } from "./tasks-trash.js";

const TABS = { mine: MyTasks, board: TaskBoard, list: TaskList, trash: Trash };
const REMEMBERED = "nexcorp-tasks-tab";

export default function Tasks() {
  const wanted = query.value.get("tab") ?? localStorage.getItem(REMEMBERED) ?? "mine";
  const tab = TABS[wanted] ? wanted : "mine";
  const [making, setMaking] = useState(/** @type {any} */ (null));
  const [stats, setStats] = useState(false);
  // The current tab registers here how it shows a new task.
  const shown = useRef(/** @type {(task: any) => void} */ (() => {}));
  const open = (given = {}) => may("task:create") && setMaking(given);
  useProjects();
  useEffect(() => bindAll([["n", "tasks.new", () => open({ projectId: query.peek().get("project") })]]), []);
  const choose = (name) => {
    if (name !== "trash") localStorage.setItem(REMEMBERED, name);
    setQuery({ tab: name });
  };
  const View = TABS[tab];
  return html`
    <div class=${`page work tasks ${tab === "board" ? "wide" : ""}`}>
      <${Heading} title=${t("pages.tasks")}>
        <button aria-expanded=${stats} onClick=${() => setStats(!stats)}>
          <${Icon} name="activity" /> ${t("tasks.stats.title")}
        </button>
        ${may("task:create") && html`
          <button class="primary" onClick=${() => open({ projectId: query.value.get("project") })}>
            <${Icon} name="plus" /> ${t("tasks.new")} <kbd class="wide-only">n</kbd>
          </button>
        `}
      <//>
      <nav class="tab-list" aria-label=${t("tasks.views")}>
        ${Object.keys(TABS).map((name) =>
          html`
            <button key=${name} aria-current=${name === tab ? "page" : undefined}
              onClick=${() => choose(name)}>${t(`tasks.tabs.${name}`)}</button>
          `
        )}
      </nav>
      ${stats && html`<${TaskStats} />`}
      <${View} onNew=${open} register=${(put) => {
        shown.current = put;
      }} />
      ${making && html`
        <${NewTask} given=${making} onClose=${() => setMaking(null)}
          onMade=${(task) => shown.current(task)} />
      `}
    </div>
  `;
}
