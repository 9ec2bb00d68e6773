"""The settings: where they are listed, and how the doctor judges them."""

from __future__ import annotations

import dataclasses
import re

from nexcorp.config import REPOSITORY, Config
from nexcorp.doctor import check_registration


def test_every_setting_is_in_the_example_of_the_environment_and_nothing_else() -> None:
    example = (REPOSITORY / ".env.example").read_text()
    named = re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(named) == sorted(item.metadata["name"] for item in dataclasses.fields(Config))


def test_a_provider_to_sign_in_with_is_enough_for_verified_registrations() -> None:
    assert "needs mail or a provider" in check_registration(Config.from_env({}))[0]
    google = {"OAUTH_GOOGLE_ID": "x", "OAUTH_GOOGLE_SECRET": "x"}
    assert check_registration(Config.from_env(google)) == []
    assert check_registration(Config.from_env({"REGISTRATION": "open"})) == []
