/** The repository linked to a project: its state, branches and commits. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api, get } from "../lib/api.js";
import { on } from "../lib/live.js";
import { useAnswer, usePaged } from "../lib/store.js";
import {
  Ago,
  Avatar,
  Empty,
  Icon,
  number,
  PagedList,
  PersonLink,
  Problem,
  Skeleton,
  toast,
  toastError,
} from "../lib/ui.js";
import { t } from "../lib/words.js";
import { sure, writes } from "./project-parts.js";
import { LinkForm, Secret } from "./project-link.js";
/** @import { Branch, Commit, Project, Repository as Linked } from "../lib/types.d.ts" */

const MARKS = /** @type {Record<string, string>} */ ({
  pending: "plain",
  syncing: "plain",
  synced: "ok",
  failed: "danger",
});

/** The result of the last sync, and the time of the next one. */
const State = (/** @type {{linked: Linked}} */ { linked }) =>
  html`
    <p class="wrap" role="status">
      <span class=${`tag ${MARKS[linked.status]}`}>${linked.status === "syncing" &&
        html`<${Icon} name="refresh-cw" />`} ${t(`projects.statuses.${linked.status}`)}</span>
      ${linked.lastSyncedAt &&
        html`<small class="muted">${t("projects.lastSynced")} <${Ago} at=${linked.lastSyncedAt} /></small>`}
      ${linked.nextSyncAt
        ? html`<small class="muted">${t("projects.nextSync")} <${Ago} at=${linked.nextSyncAt} /></small>`
        : html`<small class="muted">${t("projects.noNextSync")}</small>`}
    </p>
    ${linked.status === "failed" && linked.message &&
      html`<p class="problem" role="alert">${linked.message}</p>`}
  `;

/** The branches; the followed one is marked. */
function Branches(/** @type {{project: Project, head: string | null}} */ { project, head }) {
  const { value, problem, reload } = useAnswer(`/projects/${project.id}/repository/branches`);
  useEffect(() => {
    reload();
  }, [head]);
  const [all, showAll] = useState(false);
  if (problem) return html`<${Problem} error=${problem} retry=${reload} />`;
  if (!value?.data.length) return null;
  /** @type {Branch[]} */
  const branches = [...value.data].sort((one, other) => Number(other.followed) - Number(one.followed));
  const shown = all ? branches : branches.slice(0, 12);
  return html`
    <section class="stack" aria-labelledby="branches">
      <h2 id="branches">${t("projects.branches", { count: branches.length })}</h2>
      <ul class="wrap">${shown.map((one) =>
        html`<li key=${one.name} class=${`tag ${
          one.followed ? "" : "plain"
        }`}><${Icon} name="git-branch" /> ${one.name}${
          one.followed && html`<span class="visually-hidden">(${t("projects.followed")})</span>`
        }</li>`
      )}${shown.length < branches.length &&
        html`<li><button class="link" onClick=${() => showAll(true)}>${t("app.more")}</button></li>`}</ul>
    </section>
  `;
}

/** One commit; its message can be expanded. */
function CommitRow(/** @type {{one: Commit}} */ { one }) {
  return html`
    <li class=${one.goneAt ? "gone" : ""}>
      <${Avatar} person=${one.user ?? { id: one.authorEmail, username: one.authorName }} small />
      <span class="what grow">
        ${one.body
          ? html`
            <details>
              <summary><b>${one.subject}</b></summary>
              <pre>${one.body}</pre>
            </details>
          `
          : html`<b>${one.subject}</b>`}
        <small class="muted">${one.user
          ? html`<${PersonLink} person=${one.user} />`
          : one.authorName} · <${Ago} at=${one.authoredAt} />${one.parents.length > 1 &&
          ` · ${t("projects.merge")}`}${one.goneAt && ` · ${t("projects.goneCommit")}`}</small>
      </span>
      <button class="quiet sha" title=${t("projects.copySha")}
        onClick=${() => copy(one.sha)}><code>${one.sha.slice(
          0,
          8,
        )}</code><span class="visually-hidden"> ${t("projects.copySha")}</span></button>
    </li>
  `;
}

/** Copy a text to the clipboard, if the browser allows it. */
export async function copy(/** @type {string} */ text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t("projects.copied"));
  } catch {
    toast(text);
  }
}

/** The commits, paged and searchable. */
function Commits(/** @type {{project: Project, linked: Linked}} */ { project, linked }) {
  const [text, setText] = useState(""), [q, setQ] = useState("");
  const list = usePaged(
    `/projects/${project.id}/repository/commits?limit=50${q ? `&q=${encodeURIComponent(q)}` : ""}`,
  );
  useEffect(() => {
    const timer = setTimeout(() => setQ(text.trim()), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const [shown, setShown] = useState(linked.head);
  const isNew = linked.head !== shown && list.items.value !== null;
  const show = () => {
    setShown(linked.head);
    list.load();
  };
  useEffect(() => {
    if (isNew && !list.items.peek()?.length) show();
  }, [isNew]);
  return html`
    <section class="stack" aria-labelledby="commits">
      <div class="row"><h2 id="commits">${t("projects.commits", { count: linked.commitCount })}</h2>
        <input type="search" class="narrow" maxlength="200" aria-label=${t(
          "projects.findCommit",
        )} placeholder=${t(
          "projects.findCommit",
        )} value=${text} onInput=${(event) => setText(event.target.value)} /></div>
      ${isNew && html`<button class="fresh" onClick=${show}>${t("projects.newCommits")}</button>`}
      <${PagedList} list=${list} rows="list commits" empty=${html`<${Empty} icon="git-commit" title=${
        t(
          q ? "projects.noneFound" : "projects.noCommits",
        )
      }>${t("projects.noCommitsHint")}<//>`}>
        ${(/** @type {Commit} */ one) => html`<${CommitRow} key=${one.sha} one=${one} />`}
      <//>
    </section>
  `;
}

export default function Repository(/** @type {{project: Project}} */ { project }) {
  const path = `/projects/${project.id}/repository`;
  const { value: linked, problem, reload, set } = useAnswer(path);
  const [form, setForm] = useState(false), [asked, ask] = useState(false);
  const [secret, setSecret] = useState(/** @type {string | null} */ (null));
  useEffect(() => {
    const mine = (/** @type {any} */ data) => !data.projectId || data.projectId === project.id;
    const ends = [
      on("repository:synced", (data) => mine(data) && get(path).then(set, () => {})),
      on("repository:deleted", (data) => mine(data) && reload()),
    ];
    return () => ends.forEach((end) => end());
  }, [path]);
  const done = (/** @type {any} */ made) => {
    set(made);
    setForm(false);
    if (made.hookSecret) setSecret(made.hookSecret);
  };
  const act = async (/** @type {() => Promise<any>} */ work) => {
    try {
      await work();
    } catch (error) {
      toastError(error);
    }
  };
  const sync = () =>
    act(async () => {
      // The service allows one sync a minute: show the refusal instead of retrying later.
      set(await api("POST", `${path}/sync`, undefined, { once: true }));
      toast(t("projects.syncAsked"));
    });
  const unlink = () =>
    asked
      ? act(async () => {
        await api("DELETE", path);
        ask(false);
        await reload();
      })
      : ask(true);
  const may = writes(project);
  if (problem?.status === 404) {
    return html`
      <${Empty} icon="git-branch" title=${t("projects.noRepository")}>${t("projects.noRepositoryHint")}<//>
      ${may && html`
        <div
          class="centred"><button class="primary" onClick=${() => setForm(true)}><${Icon} name="link" /> ${t(
            "projects.link",
          )}</button></div>
      `}
      ${form && html`<${LinkForm} path=${path} onDone=${done} onClose=${() => setForm(false)} />`}
    `;
  }
  if (problem && !linked) return html`<${Problem} error=${problem} retry=${reload} />`;
  if (!linked) return html`<${Skeleton} />`;
  return html`
    <section class="stack" aria-label=${t("projects.tabs.repository")}>
      <div class="card stack">
        <div class="repository-head"><a class="grow address" href=${linked
          .url} target="_blank" rel="noopener noreferrer">${linked.url}</a>
          ${may && html`<span class="wrap">
            <button onClick=${sync}><${Icon} name="refresh-cw" /> ${t("projects.sync")}</button>
            <button onClick=${() => setForm(true)}><${Icon} name="edit" /> ${t("app.edit")}</button>
            <button class="danger" onClick=${unlink}>${
            sure(asked, t("projects.unlink"))
          }</button></span>`}</div>
        <${State} linked=${linked} />
        <p class="muted">${t("projects.facts", {
          branch: linked.branch ?? linked.defaultBranch ?? "HEAD",
          count: linked.commitCount,
          minutes: number(Math.round(linked.interval / 60)),
        })}${linked.hasToken && ` · ${t("projects.hasToken")}`}</p>
        ${may && html`
          <details>
            <summary>${t("projects.hook")}</summary>
            <p class="muted">${t("projects.hookHint")}</p>
            <p class="row"><code>${location.origin}/api/v1/hooks/repositories/${linked.id}</code>
                    <button class="icon-button" aria-label=${t("projects.copyHook")} onClick=${() =>
                      copy(
                        `${location.origin}/api/v1/hooks/repositories/${linked.id}`,
                      )}><${Icon} name="copy" /></button></p>
          </details>
        `}
      </div>
      <${Branches} project=${project} head=${linked.head} />
      <${Commits} project=${project} linked=${linked} />
    </section>
    ${form &&
      html`<${LinkForm} path=${path} linked=${linked} onDone=${done} onClose=${() => setForm(false)} />`}
    ${secret && html`<${Secret} id=${linked.id} secret=${secret} onClose=${() => setSecret(null)} />`}
  `;
}
