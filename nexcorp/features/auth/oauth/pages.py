"""HTML pages of signing in: the form with the providers' buttons, and the error page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web

from nexcorp.errors import AppError
from nexcorp.integrations.oauth import Provider
from nexcorp.security.app_keys import REQUEST_ID
from nexcorp.web.errors import reply_error
from nexcorp.web.pages import make_page, reply_html

SCRIPT = Path(__file__).with_name("sign_in.js").read_text()
LOGIN_PATH = "/api/v1/auth/oauth"
SIGN_IN_PATH = "/sign-in"

# POST: a browser that does not run the script must not put the password into an address.
FORM = """<form id="sign-in" method="post" data-return-to="{return_to}">
  <label>E-mail address
    <input name="email" type="email" autocomplete="username" required maxlength="254" autofocus></label>
  <label>Password
    <input name="password" type="password" autocomplete="current-password" required maxlength="128"></label>
  <button>Sign in</button>
  <p id="problem" role="alert"></p>
  <noscript><p>This form needs JavaScript; the other ways do not.</p></noscript>
</form>
{buttons}
<script src="/sign-in.js"></script>"""

PROBLEM = """<p>{message}</p>
<p><a href="{again}">Try again</a></p>
<p><small>Request <code>{request_id}</code></small></p>"""


def make_login_path(kind: str, return_to: str | None = None) -> str:
    """The path at which a sign-in with a provider begins."""
    query = f"?{urlencode({'return_to': return_to})}" if return_to else ""
    return f"{LOGIN_PATH}/{kind}{query}"


def show_form(providers: Iterable[Provider], return_to: str) -> web.Response:
    """The sign-in page; `return_to` has been checked."""
    buttons = "\n".join(
        f'<a class="button" href="{escape(make_login_path(provider.kind, return_to))}">'
        f"Continue with {escape(provider.name)}</a>"
        for provider in providers
    )
    body = FORM.format(return_to=escape(return_to), buttons=buttons)
    return reply_html(make_page("Sign in", body))


def wants_page(request: web.Request) -> bool:
    """Return whether the client accepts HTML, as a browser that follows a link does."""
    return "text/html" in request.headers.get("Accept", "")


def wants_json(request: web.Request) -> bool:
    """Return whether the client names JSON, and not HTML, in its Accept header."""
    return "application/json" in request.headers.get("Accept", "") and not wants_page(request)


def show_problem(request: web.Request, error: AppError, return_to: str | None = None) -> web.Response:
    """Answer an error: browsers get a page, programs get the envelope."""
    response = reply_error(request, error)
    if not wants_page(request):
        return response
    query = f"?{urlencode({'return_to': return_to})}" if return_to else ""
    body = PROBLEM.format(
        message=escape(error.message),
        again=escape(SIGN_IN_PATH + query),
        request_id=escape(request.get(REQUEST_ID, "")),
    )
    page = reply_html(make_page("Signing in did not work", body), response.status)
    if "Retry-After" in response.headers:
        page.headers["Retry-After"] = response.headers["Retry-After"]
    return page
