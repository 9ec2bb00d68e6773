"""The pages that links in mails lead to.

The token is in the fragment, which no server is sent; the page posts it.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from nexcorp.features.auth.passwords import MAX_CHARS, MIN_CHARS
from nexcorp.web.pages import reply_html

SCRIPT = Path(__file__).with_name("account.js").read_text(encoding="utf-8")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · NexCorp Connect</title>
<style>
  body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 26rem; margin: 4rem auto; padding: 0 1.5rem }}
  input, button {{ font: inherit; padding: .4rem .6rem; width: 100%; box-sizing: border-box }}
  :root {{ color-scheme: light dark }}
</style>
<h1>{title}</h1>
<form id="form" method="post" data-action="{action}" data-token="{field}">
{fields}
<button>{button}</button>
</form>
<p id="said" role="status"></p>
<noscript>This page needs JavaScript.</noscript>
<script src="/account.js"></script>
</html>
"""

PASSWORD = (
    '<input name="password" type="password" autocomplete="new-password" '
    f'minlength="{MIN_CHARS}" maxlength="{MAX_CHARS}" required>'
)
VERIFY = PAGE.format(
    title="Confirm your e-mail address",
    action="/api/v1/auth/email/verify",
    field="token",
    fields="",
    button="Confirm the address",
)
RESET = PAGE.format(
    title="Choose a new password",
    action="/api/v1/auth/password/reset",
    field="token",
    fields=f"<label>New password {PASSWORD}</label>",
    button="Set the password",
)
REGISTER = PAGE.format(
    title="Register",
    action="/api/v1/auth/register",
    field="invitation",
    fields='<label>E-mail address, as it was invited <input name="email" type="email" '
    f'autocomplete="username" required maxlength="254"></label><label>New password {PASSWORD}</label>',
    button="Register",
)


async def show_verify(request: web.Request) -> web.Response:
    """A button, so that a program that only looks at links does not use the token up."""
    return reply_html(VERIFY)


async def show_reset(request: web.Request) -> web.Response:
    """A field for the new password."""
    return reply_html(RESET)


async def show_register(request: web.Request) -> web.Response:
    """Fields for the invited address and a password."""
    return reply_html(REGISTER)


async def show_script(request: web.Request) -> web.Response:
    """What both pages do."""
    return web.Response(text=SCRIPT, content_type="text/javascript")
