"""The rules of identities: which account an identity opens, and which proofs linking needs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marshmallow import ValidationError

from nexcorp.db import sql
from nexcorp.delivery import emit
from nexcorp.domain.emails import read_email
from nexcorp.errors import AppError, Contention, EmailUnverified, NotFound, on_constraint
from nexcorp.features.auth.invitations.service import accept, check_registration
from nexcorp.features.auth.oauth.errors import (
    AccountDeactivated,
    EmailRequired,
    IdentityMismatch,
    IdentityTaken,
    LastWayIn,
    ProviderLinked,
    SessionEnded,
)
from nexcorp.features.auth.recovery.service import close_other_ways
from nexcorp.features.auth.sessions.errors import EmailTaken
from nexcorp.features.auth.sessions.service import (
    SignIn,
    emit_identity,
    register_user,
    start_session,
)
from nexcorp.features.auth.sudo import prove_session
from nexcorp.integrations.oauth_profiles import Profile

PLATFORM = "web"


class Raced(Contention):
    """Another request changed rows that this one had read. Run the whole transaction again."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A provider's answer: the user's profile there, and the encrypted tokens."""

    provider: str
    profile: Profile
    tokens: bytes


async def sign_in(conn: Any, proof: Proof, mode: str = "open") -> SignIn:
    """Open a session for an identity's account; create one for a new user if `mode` (REGISTRATION) allows it.

    Raises AccountDeactivated, EmailRequired, EmailTaken, UsernameTaken, ProviderLinked, Raced, and as
    check_registration().
    """
    owner_id = await sql.identities.get_identity_owner(
        conn, provider=proof.provider, subject=proof.profile.subject
    )
    if owner_id is None:
        return await enter_first(conn, proof, mode)
    account = check_active(await sql.auth.lock_account_by_id(conn, user_id=owner_id))
    owner = await save_identity(conn, proof, owner_id)
    if owner["first"] or owner["user_id"] != owner_id:
        # The identity was unlinked since its owner was read: do not link it again.
        raise Raced()
    return await start(conn, proof, account)


async def enter_first(conn: Any, proof: Proof, mode: str) -> SignIn:
    """Sign in with a new identity: link it to the account with its address, or to a new account."""
    email = check_profile_email(proof.profile)
    account = await sql.auth.lock_account_by_email(conn, email=email)
    if account is None:
        await check_registration(conn, mode, email, invited=proof.profile.email_verified)
        account_id = await create_account(conn, proof, email)
        account = check_active(await sql.auth.lock_account_by_id(conn, user_id=account_id))
        await link_identity(conn, proof, account_id, taken=Raced(), new_account=True)
        return await start(conn, proof, account)
    if not proof.profile.email_verified:
        # The provider has not checked the address, so it must not open an account.
        raise EmailTaken(
            message="There is an account with this e-mail address already. "
            "Sign in with your password and link it there."
        )
    check_active(account)
    if not account["_emailVerified"]:
        await reclaim_account(conn, account["id"])
    await link_identity(conn, proof, account["id"], taken=Raced())
    return await start(conn, proof, account)


async def create_account(conn: Any, proof: Proof, email: str) -> UUID:
    """Create an account without a password; returns its id. Raises Raced."""
    profile = proof.profile
    try:
        row = await register_user(
            conn,
            email=email,
            password_hash=None,
            first_name=profile.first_name,
            last_name=profile.last_name,
            like=profile.username,
            method=proof.provider,
        )
    except EmailTaken as taken:
        # Another request registered the address since we looked, perhaps for this identity.
        raise Raced() from taken
    account_id: UUID = row["id"]
    if profile.email_verified:
        await sql.auth.trust_email(conn, user_id=account_id)
        await accept(conn, email, account_id)
    return account_id


async def reclaim_account(conn: Any, account_id: UUID) -> None:
    """End every way into an account whose address was never proved, before the address's owner gets it.

    A squatter may have registered it.
    """
    await sql.auth.reclaim_account(conn, user_id=account_id)
    ended = await close_other_ways(conn, account_id)
    await emit(
        conn,
        "account.reclaimed",
        actor_id=account_id,
        entity=("user", account_id),
        payload={"userId": account_id, **ended},
    )


async def link(conn: Any, proof: Proof, *, user_id: UUID, session_id: UUID) -> None:
    """Link an identity to the account of the user who began the flow.

    Raises SessionEnded, EmailUnverified if neither the account nor this identity has proved the account's
    address, IdentityTaken, and ProviderLinked if the account has another identity of this provider.
    """
    account = await lock_session_owner(conn, user_id, session_id)
    if not account["_emailVerified"]:
        if not vouches(proof.profile, account["email"]):
            raise EmailUnverified()
        await close_other_ways(conn, user_id, shown=session_id)
        await sql.auth.trust_email(conn, user_id=user_id)
    await link_identity(conn, proof, user_id, taken=IdentityTaken())


def vouches(profile: Profile, email: str) -> bool:
    """Return whether the provider has verified that this address is the user's."""
    with suppress(ValidationError):
        return profile.email_verified and read_email(profile.email or "").casefold() == email.casefold()
    return False


async def prove(conn: Any, proof: Proof, *, user_id: UUID, session_id: UUID) -> None:
    """Make the session that began the flow fresh; raises SessionEnded, or IdentityMismatch unless the
    identity already opens the account."""
    await lock_session_owner(conn, user_id, session_id)
    owner = await sql.identities.get_identity_owner(
        conn, provider=proof.provider, subject=proof.profile.subject
    )
    if owner != user_id:
        raise IdentityMismatch()
    await prove_session(conn, user_id=user_id, session_id=session_id, method=proof.provider)


async def lock_session_owner(conn: Any, user_id: UUID, session_id: UUID) -> Any:
    """Lock the account of a session until the commit and return it; raises SessionEnded."""
    account = await sql.auth.lock_account_by_id(conn, user_id=user_id)
    session = await sql.auth.get_session_principal(conn, session_id=session_id)
    if account is None or session is None or session["user_id"] != user_id:
        raise SessionEnded()
    return account


async def unlink(conn: Any, *, user_id: UUID, provider: str) -> None:
    """Unlink a provider; raises NotFound or LastWayIn."""
    # The lock serialises this with other unlinks and changes of the password.
    account = await sql.auth.lock_account_by_id(conn, user_id=user_id)
    row = await sql.identities.delete_identity(conn, user_id=user_id, provider=provider)
    if account is None or row is None:
        raise NotFound()
    left = await sql.identities.count_identities(conn, user_id=user_id)
    if not account["_hasPassword"] and not left:
        raise LastWayIn()
    await emit_identity(conn, "identity.unlinked", user_id, provider)


async def link_identity(
    conn: Any, proof: Proof, user_id: UUID, *, taken: AppError, new_account: bool = False
) -> None:
    """Make an identity open this account; if it does already, store its new tokens.

    Raises `taken` if it opens another account, or ProviderLinked.
    """
    with on_constraint("identities_user_id_provider_key", ProviderLinked()):
        owner = await save_identity(conn, proof, user_id)
    if owner["user_id"] != user_id:
        raise taken
    if owner["first"]:
        await emit_identity(conn, "identity.linked", user_id, proof.provider, newAccount=new_account)


async def save_identity(conn: Any, proof: Proof, user_id: UUID) -> Any:
    """Store an identity or its new tokens; returns `user_id`, its owner, and `first`, whether it is new."""
    profile = proof.profile
    return await sql.identities.save_identity(
        conn,
        provider=proof.provider,
        subject=profile.subject,
        user_id=user_id,
        username=profile.username,
        name=profile.name,
        email=profile.email,
        email_verified=profile.email_verified,
        avatar_url=profile.avatar_url,
        tokens=proof.tokens,
    )


async def start(conn: Any, proof: Proof, account: Any) -> SignIn:
    """Open the session of a sign-in with a provider."""
    return await start_session(conn, account, platform=PLATFORM, device=None, method=proof.provider)


def check_profile_email(profile: Profile) -> str:
    """Return the address in a profile, as it is stored; raises EmailRequired if missing or not valid."""
    try:
        return read_email(profile.email or "")
    except ValidationError:
        raise EmailRequired() from None


def check_active(account: Any) -> Any:
    """Return an active account; raises AccountDeactivated, or Raced if it is gone (None)."""
    if account is None:
        raise Raced()
    if account["status"] != "active":
        raise AccountDeactivated()
    return account
