/** Parts that the views of projects and files share. */
import { html } from "../vendor/preact.js";
import { api, may } from "../lib/api.js";
import { Avatar, nameOf, number, toastError } from "../lib/ui.js";
import { t } from "../lib/words.js";
/** @import { Person, Project } from "../lib/types.d.ts" */

/** @type {[number, string][]} */
const SIZES = [[1e9, "gigabyte"], [1e6, "megabyte"], [1e3, "kilobyte"], [0, "byte"]];

/** Format a size in bytes: "1.2 MB". */
export function asBytes(/** @type {number} */ bytes) {
  const [size, unit] = SIZES.find(([least]) => bytes >= least) ?? SIZES[3];
  return number(bytes / (size || 1), {
    style: "unit",
    unit,
    unitDisplay: unit === "byte" ? "long" : "short",
    maximumFractionDigits: unit === "byte" ? 0 : 1,
  });
}

/** Whether the user may change the project's files and repository. */
export const writes = (/** @type {Project} */ project) =>
  may("project:create") && (project.role === "owner" || project.role === "editor");

/** Whether the user is a member of the project, or has a member's rights. */
export const belongs = (/** @type {Project} */ project) => project.role !== "reader";

/** The folder of a path; "" at the top level. */
export const folderOf = (/** @type {string} */ path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
/** The last segment of a path. */
export const lastOf = (/** @type {string} */ path) => path.slice(path.lastIndexOf("/") + 1);

/** Download a path of the API through the browser's own download, with a one-time ticket. */
export async function download(/** @type {string} */ path) {
  try {
    const { ticket } = await api("POST", "/auth/ticket", { purpose: "download" });
    const link = document.createElement("a");
    link.href = `/api/v1${path}${path.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`;
    link.download = "";
    link.click();
  } catch (error) {
    toastError(error);
  }
}

/** People's pictures in a row; their names are the tooltip and the label for screen readers. */
export function Faces(
  /** @type {{people: (Person | {id: string, name: string})[], label: string}} */ { people, label },
) {
  if (!people.length) return null;
  const names = people.map((one) => "name" in one ? one.name : nameOf(one));
  return html`
    <span class="people-here" role="img" aria-label=${`${label}: ${names.join(", ")}`} title=${names.join(
      ", ",
    )}>
      ${people.slice(0, 5).map((one) =>
        html`<${Avatar} key=${one.id} person=${
          "name" in one ? { id: one.id, username: one.name } : one
        } small />`
      )}
      ${people.length > 5 && html`<small class="muted">+${number(people.length - 5)}</small>`}
    </span>
  `;
}

/** The label of a button that asks for a second click before it acts. */
export const sure = (/** @type {boolean} */ asked, /** @type {string} */ text) =>
  asked ? t("projects.sure") : text;
