/** A post with its buttons and comments, kept current by its room. */
/** @import { Post } from "../lib/types.d.ts" */
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api, get, may, me } from "../lib/api.js";
import { enter, follow } from "../lib/live.js";
import { href } from "../lib/router.js";
import { attempt, Paged, useDraft } from "../lib/store.js";
import { Ago, Avatar, Dialog, Icon, nameOf, PersonLink, toast, toastError, Words } from "../lib/ui.js";
import { t } from "../lib/words.js";

const COUNTERS = ["likeCount", "commentCount", "interestCount"];

/** The counters from `data`, if they are newer than the post's. */
const newer = (/** @type {any} */ post, /** @type {any} */ data) =>
  data.countsVersion > post.countsVersion
    ? {
      countsVersion: data.countsVersion,
      ...Object.fromEntries(COUNTERS.filter((name) => name in data).map((name) => [name, data[name]])),
    }
    : {};

/** Apply a frame of the post's room to the list; returns whether the frame was about the post itself. */
export function applyToPost(
  /** @type {Paged<Post>} */ list,
  /** @type {string} */ id,
  /** @type {string} */ event,
  /** @type {any} */ data,
) {
  if (event === "post:deleted") list.remove(id);
  else if (event === "post:liked") {
    list.change(
      id,
      (post) => ({ ...newer(post, data), ...(data.userId === me.peek().id ? { liked: data.liked } : {}) }),
    );
  } else if (event === "post:updated") {
    // Frames lack the reader's own state (liked, interested).
    const {
      liked: _liked,
      interested: _interested,
      likeCount: _l,
      commentCount: _c,
      interestCount: _i,
      ...rest
    } = data;
    list.change(
      id,
      (post) => ({
        ...(data.version >= post.version ? rest : {}),
        countsVersion: post.countsVersion,
        ...newer(post, data),
      }),
    );
  } else if (event.startsWith("comment:")) list.change(id, (post) => newer(post, data));
}

/** Like or unlike, shown at once. */
export function like(/** @type {Paged<Post>} */ list, /** @type {Post} */ post) {
  const liked = !post.liked, before = { liked: post.liked, likeCount: post.likeCount };
  return attempt(
    () => list.change(post.id, { liked, likeCount: post.likeCount + (liked ? 1 : -1) }),
    async () => {
      const answer = await api(liked ? "PUT" : "DELETE", `/posts/${post.id}/like`);
      list.change(post.id, (now) => ({ liked: answer.liked, ...newer(now, answer) }));
    },
    () => list.change(post.id, before),
  );
}

/** Show or withdraw interest in a project post. */
function care(/** @type {Paged<Post>} */ list, /** @type {Post} */ post) {
  const interested = !post.interested,
    before = { interested: post.interested, interestCount: post.interestCount };
  return attempt(
    () => list.change(post.id, { interested, interestCount: post.interestCount + (interested ? 1 : -1) }),
    async () => {
      const answer = await api(interested ? "PUT" : "DELETE", `/posts/${post.id}/interest`);
      list.change(post.id, (now) => ({ interested: answer.interested, ...newer(now, answer) }));
    },
    () => list.change(post.id, before),
  );
}

/** The comments of a post or task (`kind`), live while shown. */
export function Comments(/** @type {{kind: "post" | "task", id: string}} */ { kind, id }) {
  const [list] = useState(() => new Paged(`/comments/${kind}/${id}?limit=50`));
  const [replyTo, setReplyTo] = useState(/** @type {any} */ (null));
  const [text, setText, clear] = useDraft(`comment-${id}`);
  const busy = useRef(false);
  useEffect(() =>
    follow(`${kind}:${id}`, () => list.load(), (event, data) => {
      if (event === "comment:deleted") list.remove(data.id);
      else if (event === "comment:created" || event === "comment:updated") list.put(data, { last: true });
    }), [id]);
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const body = text.trim();
    if (!body || busy.current) return;
    busy.current = true;
    try {
      const made = await api("POST", "/comments", {
        [`${kind}Id`]: id,
        body,
        ...(replyTo ? { parentId: replyTo.id } : {}),
      });
      list.put(made, { last: true });
      clear(body);
      setReplyTo(null);
    } catch (error) {
      toastError(error);
    } finally {
      busy.current = false;
    }
  };
  const items = list.items.value ?? [];
  const roots = items.filter((one) => !one.parentId);
  const show = (/** @type {any} */ one) =>
    html`
      <div class=${`comment ${one.parentId ? "reply" : ""}`} key=${one.id}>
        <${Avatar} person=${one.author} small />
        <div><${PersonLink} person=${one.author} /> <span class="muted"><${Ago} at=${one.createdAt} /></span>
            <p>${one.deleted
              ? html`<i class="muted">${t("post.deletedComment")}</i>`
              : html`<${Words} text=${one.body ?? ""} />`}</p>
            ${!one.parentId && !one.deleted && may("comment:create") &&
              html`<button class="link" onClick=${() => setReplyTo(one)}>${t("post.reply")}</button>`}</div>
      </div>
    `;
  return html`<div class="comments">
    ${
    roots.map((root) =>
      html`<div key=${root.id} class="thread">${show(root)}${
        items.filter((one) => one.parentId === root.id).map(show)
      }</div>`
    )
  }
    ${
    list.cursor.value && html`<button class="link" onClick=${() => list.more()}>${t("post.earlier")}</button>`
  }
    ${
    may("comment:create") && html`<form class="row" onSubmit=${send}>
      ${
      replyTo && html`
        <span
          class="tag">@${replyTo.author?.username ??
            nameOf(replyTo.author)} <button type="button" class="link" aria-label=${t(
              "app.cancel",
            )} onClick=${() => setReplyTo(null)}>×</button></span>
      `
    }
      <input maxlength="5000" aria-label=${t("post.newComment")} placeholder=${
      t("post.commentHint")
    } value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)} />
      <button class="icon-button" disabled=${!text.trim()} aria-label=${
      t("post.send")
    }><${Icon} name="send" /></button></form>`
  }
  </div>`;
}

const Pictures = (/** @type {{uploads: Post['uploads']}} */ { uploads }) => {
  const pictures = uploads.filter((file) => file.width), others = uploads.filter((file) => !file.width);
  return html`${
    pictures.length > 0 &&
    html`<div class=${`pictures n${Math.min(pictures.length, 3)}`}>${
      pictures.map((file) =>
        html`<a key=${file.id} href=${file.url} target="_blank" rel="noopener">
      <img src=${file.thumbnailUrl ?? file.url} alt=${
          file.alt ?? ""
        } width=${file.width} height=${file.height} loading="lazy" /></a>`
      )
    }</div>`
  }
    ${
    others.map((file) =>
      html`
        <a key=${file.id} class="attachment" href=${file.url} target="_blank"
          rel="noopener"><${Icon} name="paperclip" /> ${file.name}</a>
      `
    )
  }`;
};

/** One post of `list`; joins its room while shown. `whole`: with the comments open. */
export function PostCard(
  /** @type {{post: Post, list: Paged<Post>, whole?: boolean, current?: boolean}} */ {
    post,
    list,
    whole = false,
    current = false,
  },
) {
  const [open, setOpen] = useState(whole);
  useEffect(() =>
    enter(
      `post:${post.id}`,
      (event, data) => applyToPost(list, post.id, event, data),
      () =>
        get(`/posts/${post.id}`).then(
          (now) => list.change(post.id, now),
          (error) => error.status === 404 && list.remove(post.id),
        ),
    ), [post.id]);
  const mine = post.author?.id === me.value.id;
  /** The edit dialog, loaded when first needed. */
  const [Edit, setEdit] = useState(/** @type {any} */ (null));
  const edit = () => import("./post-edit.js").then((module) => setEdit(() => module.default), toastError);
  const [asked, ask] = useState(false);
  const remove = async () => {
    ask(false);
    list.remove(post.id);
    try {
      await api("DELETE", `/posts/${post.id}`);
      toast(t("post.deleted"));
    } catch (error) {
      list.put(post);
      toastError(error);
    }
  };
  return html`<article class=${`card post ${current ? "current" : ""}`} data-id=${post.id} aria-label=${
    nameOf(post.author)
  }>
    <header><${Avatar} person=${post.author} /><div><${PersonLink} person=${post.author} />
      <div class="muted">@${post.author?.username} · <a class="plain" href=${
    href(`/posts/${post.id}`)
  }><${Ago} at=${post.publishedAt ?? post.createdAt} /></a></div></div>
      ${
    post.type !== "normal" && html`<span class=${`tag ${post.type}`}>${t(`post.types.${post.type}`)}</span>`
  }
      ${
    mine &&
    html`<button class="icon-button" aria-label=${
      t("app.edit")
    } onClick=${edit}><${Icon} name="edit" /></button>`
  }
      ${
    (mine || may("post:moderate")) &&
    html`<button class="icon-button" aria-label=${t("app.delete")} onClick=${() =>
      ask(true)}><${Icon} name="trash" /></button>`
  }</header>
    ${post.title && html`<h2>${post.title}</h2>`}<p class="body"><${Words} text=${post.body} /></p>
    ${post.uploads?.length > 0 && html`<${Pictures} uploads=${post.uploads} />`}
    <footer>
      <button class="quiet like" disabled=${!may("post:like")} aria-pressed=${post.liked} onClick=${() =>
    like(
      list,
      post,
    )}><${Icon} name="heart" /><span class="count" aria-hidden="true">${post.likeCount}</span><span class="visually-hidden">${
    t("post.likes", { count: post.likeCount })
  }</span></button>
      <button class="quiet" aria-expanded=${open} onClick=${() =>
    setOpen(
      !open,
    )}><${Icon} name="message-circle" /><span class="count" aria-hidden="true">${post.commentCount}</span><span class="visually-hidden">${
    t("post.comments", { count: post.commentCount })
  }</span></button>
      ${
    post.type === "project" && html`
      <button class="quiet" aria-pressed=${post.interested} disabled=${mine}
        onClick=${() => care(list, post)}><${Icon} name="star" /> ${t("post.interested", {
          count: post.interestCount,
        })}</button>
    `
  }
    </footer>
    ${open && html`<${Comments} kind="post" id=${post.id} />`}
  ${
    Edit && html`<${Edit} post=${post} onChange=${(/** @type {Post} */ changed) =>
      list.change(post.id, changed)} onClose=${() => setEdit(null)} />`
  }
  ${
    asked && html`
      <${Dialog} title=${t("post.deleteSure")} onClose=${() => ask(false)}>
        <div
          class="wrap"><button class="danger" onClick=${remove}>${t(
            "app.delete",
          )}</button><button class="quiet" onClick=${() => ask(false)}>${t("app.cancel")}</button></div>
        <//>
    `
  }
  </article>`;
}
