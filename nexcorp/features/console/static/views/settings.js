/** Settings: each tab is in its own file. */
import { html } from "../vendor/preact.js";
import { href } from "../lib/router.js";
import { Empty, Heading } from "../lib/ui.js";
import { t } from "../lib/words.js";
import { Account } from "./settings-account.js";
import { Keys } from "./settings-keys.js";
import { Notifications } from "./settings-notifications.js";
import { Profile } from "./settings-profile.js";

const TABS = /** @type {Record<string, any>} */ ({
  profile: Profile,
  account: Account,
  notifications: Notifications,
  keys: Keys,
});

export default function Settings(/** @type {{tab?: string}} */ { tab = "profile" }) {
  const View = TABS[tab];
  return html`
    <div class="column">
      <${Heading} title=${t("pages.settings")} />
      <nav class="tab-list" aria-label=${t("pages.settings")}>
        ${Object.keys(TABS).map((one) =>
          html`
            <a key=${one} href=${href(
              one === "profile" ? "/settings" : `/settings/${one}`,
            )} aria-current=${one === tab ? "page" : undefined}>
              ${t(`settings.tabs.${one}`)}
            </a>
          `
        )}
      </nav>
      ${View
        ? html`<${View} />`
        : html`<${Empty} icon="compass" title=${t("app.gone")}>${t("app.goneHint")}<//>`}
    </div>
  `;
}
