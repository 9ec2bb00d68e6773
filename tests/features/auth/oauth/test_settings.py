"""Settings of providers: refused at the start, or reported as missing by `nexcorp doctor`."""

from __future__ import annotations

import pytest

from nexcorp.config import Config
from nexcorp.doctor import check_oauth
from nexcorp.errors import ConfigError
from nexcorp.integrations.oauth import OAuthError, Providers, read_discovery


@pytest.mark.parametrize(
    "address",
    [
        "github.example",
        "ftp://github.example",
        "https://",
        "https://user@github.example",
        "https://github.example/?x",
        "https://github.example/#x",
        "https://github.example:99999",
    ],
)
def test_an_issuer_is_an_address(address: str) -> None:
    with pytest.raises(ConfigError, match="OAUTH_GITHUB_ISSUER"):
        Config.from_env({"OAUTH_GITHUB_ISSUER": address})
    with pytest.raises(ConfigError, match="OAUTH_RETURN_TO"):
        Config.from_env({"OAUTH_RETURN_TO": f"https://good.example,{address}"})


def test_half_a_provider_is_none_and_the_doctor_says_so() -> None:
    names = {"OAUTH_GITHUB_ID": "x", "OAUTH_OIDC_ID": "x", "OAUTH_OIDC_SECRET": "x"}
    config = Config.from_env({**names, "PUBLIC_URL": "https://nex.example"})
    assert [provider.kind for provider in Providers(config)] == []
    assert [problem.split(" is not set")[0] for problem in check_oauth(config)] == [
        "OAUTH_GITHUB_SECRET",
        "OAUTH_OIDC_ISSUER",
    ]
    whole = Config.from_env({"OAUTH_GOOGLE_ID": "x", "OAUTH_GOOGLE_SECRET": "x"})
    assert [provider.kind for provider in Providers(whole)] == ["google"]
    assert check_oauth(whole) == ["PUBLIC_URL is not set: Google cannot send anybody back."]
    assert check_oauth(Config()) == []


async def test_usual_homes() -> None:
    names = {f"OAUTH_{kind}_{part}": "x" for kind in ("GITHUB", "GITLAB") for part in ("ID", "SECRET")}
    providers = Providers(Config.from_env(names))
    github = await providers.get("github").find_endpoints()
    assert (github.authorize, github.emails) == (
        "https://github.com/login/oauth/authorize",
        "https://api.github.com/user/emails",
    )
    assert (await providers.get("gitlab").find_endpoints()).profile == "https://gitlab.com/oauth/userinfo"
    url = await providers.get("github").make_authorize_url(
        state="s", verifier="v" * 64, redirect_uri="https://x/"
    )
    assert "v" * 64 not in url and "code_challenge_method=S256" in url


def test_discovery_does_not_lead_from_https_to_http() -> None:
    document = {
        "issuer": "https://id.example/",
        "authorization_endpoint": "https://id.example/a",
        "token_endpoint": "https://id.example/t",
        "userinfo_endpoint": "https://id.example/u",
    }
    assert read_discovery("https://id.example", document).basic
    for key in list(document):
        for wrong in ("http://id.example/", "javascript:x", None, 7):
            with pytest.raises(OAuthError):
                read_discovery("https://id.example", {**document, key: wrong})
