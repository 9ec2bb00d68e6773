"""The pages that links in mails lead to.

The token is in the URL's fragment, which browsers do not send; the page posts it.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from nexcorp.features.auth.passwords import MAX_CHARS, MIN_CHARS
from nexcorp.web.pages import make_page, reply_html

SCRIPT = Path(__file__).with_name("account.js").read_text(encoding="utf-8")

FORM = """<form id="form" method="post" data-action="{action}" data-token="{field}">
{fields}
<button>{button}</button>
</form>
<p id="said" role="status"></p>
<a id="next" class="button" href="/app/" hidden>Go on to the console</a>
<noscript>This page needs JavaScript.</noscript>
<script src="/account.js"></script>"""


def make_form(title: str, **parts: str) -> str:
    """Return a page with a form."""
    return make_page(title, FORM.format(**parts))


PASSWORD = (
    '<input name="password" type="password" autocomplete="new-password" '
    f'minlength="{MIN_CHARS}" maxlength="{MAX_CHARS}" required>'
)
VERIFY = make_form(
    "Confirm your e-mail address",
    action="/api/v1/auth/email/verify",
    field="token",
    fields="",
    button="Confirm the address",
)
RESET = make_form(
    "Choose a new password",
    action="/api/v1/auth/password/reset",
    field="token",
    fields=f"<label>New password {PASSWORD}</label>",
    button="Set the password",
)
REGISTER = make_form(
    "Register",
    action="/api/v1/auth/register",
    field="invitation",
    fields='<label>E-mail address, as it was invited <input name="email" type="email" '
    f'autocomplete="username" required maxlength="254"></label><label>New password {PASSWORD}</label>',
    button="Register",
)


async def show_verify(request: web.Request) -> web.Response:
    """Show a button: a program that only opens links must not use up the token."""
    return reply_html(VERIFY)


async def show_reset(request: web.Request) -> web.Response:
    """Show a field for the new password."""
    return reply_html(RESET)


async def show_register(request: web.Request) -> web.Response:
    """Show fields for the invited address and a password."""
    return reply_html(REGISTER)


async def show_script(request: web.Request) -> web.Response:
    """Serve the script of these pages."""
    return web.Response(text=SCRIPT, content_type="text/javascript")
