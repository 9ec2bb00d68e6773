/** Edit the user's own post: its text, files and status, and a project post's assignee. */
import { html, useState } from "../vendor/preact.js";
import { api, get, may } from "../lib/api.js";
import { usePaged } from "../lib/store.js";
import { Dialog, Field, nameOf, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { AddFiles, Chosen } from "./composer.js";
/** @import { Post } from "../lib/types.d.ts" */

const STATES = {
  project: ["open", "in_progress", "on_hold", "completed", "cancelled"],
  announcement: ["draft", "published", "archived"],
};

/** A post's status, and a project post's assignee. The service checks what the user may change. */
function Progress(/** @type {{post: Post, onChange: (post: Post) => void}} */ { post, onChange }) {
  const interested = usePaged(`/posts/${post.id}/interests?limit=50`);
  const set = async (/** @type {string} */ path, /** @type {any} */ body) => {
    try {
      onChange(await api("PUT", `/posts/${post.id}/${path}`, body));
      toast(t("app.saved"));
    } catch (error) {
      toastError(error);
      onChange(await get(`/posts/${post.id}`));
    }
  };
  return html`
    <div class="wrap">
      <${Field} label=${t("post.state")}>
        <select onChange=${(event) => set("status", { status: event.target.value })}>
          ${STATES[post.type].map((one) =>
            html`<option key=${one} value=${one} selected=${one === post.status}>${
              t(`post.states.${one}`)
            }</option>`
          )}
        </select>
      <//>
      ${post.type === "project" && html`
        <${Field} label=${t("post.assignee")}>
          <select onChange=${(event) => set("assignee", { userId: event.target.value || null })}>
            <option value="" selected=${!post.assignee}>${t("post.nobody")}</option>
            ${post.assignee &&
              html`<option value=${post.assignee.id} selected>${nameOf(post.assignee)}</option>`}
            ${(interested.items.value ?? []).filter(({ user }) => user.id !== post.assignee?.id).map((
              { user },
            ) => html`<option key=${user.id} value=${user.id}>${nameOf(user)}</option>`)}
          </select>
          <//>
      `}
    </div>
  `;
}

export default function EditPost(
  /** @type {{post: Post, onChange: (post: Post) => void, onClose: () => void}} */ {
    post,
    onChange,
    onClose,
  },
) {
  const [files, setFiles] = useState(/** @type {any[]} */ (post.uploads));
  const { busy, problem, errors, submit } = useForm(async ({ title, body }) => {
    const change = {
      body: body.trim(),
      ...(post.type === "normal" ? {} : { title: title.trim() || null }),
      uploadIds: files.map((file) => file.id),
      version: post.version,
    };
    onChange(await api("PATCH", `/posts/${post.id}`, change));
    toast(t("app.saved"));
    onClose();
  });
  return html`
    <${Dialog} title=${t("post.edit")} onClose=${onClose}>
      ${post.type !== "normal" && html`<${Progress} post=${post} onChange=${onChange} />`}
      <form class="form" onSubmit=${submit}>
        ${post.type !== "normal" &&
          html`<${Field} label=${t("feed.title")} name="title" maxlength="200" value=${
            post.title ?? ""
          } error=${errors.title} />`}
        <${Field} label=${t("post.text")} error=${errors
          .body}><textarea name="body" rows="5" maxlength="10000" required>${post.body}</textarea><//>
        <${Chosen} files=${files} onChange=${setFiles} />
        <p class="problem" role="alert">${problem && !Object.keys(errors).length && problem.first}</p>
        <div class="wrap">
          <button class="primary" disabled=${busy}>${t("app.save")}</button>
          ${may("upload:create") &&
            html`<${AddFiles} label=${t("feed.attach")} onTaken=${(taken) =>
              setFiles([...files, ...taken])} />`}
        </div>
      </form>
    <//>
  `;
}
