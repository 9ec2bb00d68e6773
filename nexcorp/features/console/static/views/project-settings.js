/** A project's name, visibility, storage, and deleting it. */
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../lib/api.js";
import { go } from "../lib/router.js";
import { Field, Icon, toast, toastError, useForm } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { asBytes } from "./project-parts.js";
import { ChooseVisibility } from "./projects.js";
/** @import { Project } from "../lib/types.d.ts" */

/** The project's name, description and visibility. */
function About(
  /** @type {{project: Project, onChange: (project: Project) => void, reload: () => Promise<void>}} */ given,
) {
  const { project, onChange, reload } = given;
  const [round, setRound] = useState(0);
  const { busy, problem, errors, submit } = useForm(async ({ name, description, visibility }) => {
    try {
      onChange(
        await api("PATCH", `/projects/${project.id}`, {
          name,
          description: description.trim() || null,
          visibility,
          version: project.version,
        }),
      );
      toast(t("app.saved"));
    } catch (error) {
      // Someone else changed it first: show their version and say so.
      if (/** @type {any} */ (error).status !== 409) throw error;
      await reload();
      setRound((now) => now + 1);
      toast(t("projects.changedMeanwhile"), "error");
    }
  });
  return html`
    <form class="card form" key=${round} onSubmit=${submit}>
      <h2>${t("projects.about")}</h2>
      <${Field} label=${t("projects.name")} name="name" required maxlength="120" value=${project
        .name} error=${errors
        .name} />
      <${Field} label=${t("projects.description")} error=${errors.description}>
        <textarea name="description" rows="3" maxlength="5000" aria-label=${t(
          "projects.description",
        )}>${project.description ?? ""}</textarea>
      <//>
      <${ChooseVisibility} chosen=${project.visibility} />
      ${problem && !Object.keys(errors).length && html`<p class="problem" role="alert">${problem.first}</p>`}
      <div><button class="primary" disabled=${busy}>${t("app.save")}</button></div>
    </form>
  `;
}

/** The storage used and its limit. */
const Room = (/** @type {{project: Project}} */ { project: { storage } }) =>
  html`
    <section class="card stack">
      <h2>${t("projects.room")}</h2>
      <meter min="0" max=${storage.limit} high=${storage.limit * .9} value=${storage.bytes} aria-label=${t(
        "projects.room",
      )}></meter>
      <p class="muted">${t("projects.roomTaken", {
        taken: asBytes(storage.bytes),
        limit: asBytes(storage.limit),
      })}</p>
    </section>
  `;

/** Move the project to the trash; the user must type its name, as it disappears for everyone. */
function Remove(/** @type {{project: Project}} */ { project }) {
  const [typed, type] = useState("");
  useEffect(() => type(""), [project.id]);
  const remove = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (typed.trim() !== project.name) return;
    try {
      await api("DELETE", `/projects/${project.id}`);
      go("/projects");
      toast(t("projects.inTrash", { name: project.name }), "info", {
        label: t("app.undo"),
        run: () =>
          api("POST", `/projects/${project.id}/restore`).then(
            () => go(`/projects/${project.id}`),
            toastError,
          ),
      });
    } catch (error) {
      toastError(error);
    }
  };
  return html`
    <form class="card form" onSubmit=${remove}>
      <h2>${t("projects.delete")}</h2>
      <p class="muted">${t("projects.deleteHint")}</p>
      <${Field} label=${t("projects.typeName", {
        name: project.name,
      })} value=${typed} autocomplete="off" onInput=${(
        /** @type {any} */ event,
      ) => type(event.target.value)} />
      <div><button class="danger" disabled=${typed.trim() !== project.name}><${Icon} name="trash" /> ${t(
        "projects.delete",
      )}</button></div>
    </form>
  `;
}

export default function Settings(
  /** @type {{project: Project, onChange: (project: Project) => void, reload: () => Promise<void>}} */ given,
) {
  return html`
    <div class="settings-stack">
      <${About} ...${given} />
      <${Room} project=${given.project} />
      <${Remove} project=${given.project} />
    </div>
  `;
}
