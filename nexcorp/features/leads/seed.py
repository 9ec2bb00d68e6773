"""Leads of the demo company."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nexcorp.db import sql
from nexcorp.domain.demo import ADA, GRACE
from nexcorp.domain.fields import load
from nexcorp.features.leads.schemas import CreateLead
from nexcorp.features.leads.service import apply_changes, create_lead
from nexcorp.manifest import Demo

# The fields of each lead, the stages that it went through, and its interactions: kind, days ago, text.
LEADS: tuple[tuple[dict[str, Any], tuple[str, ...], tuple[tuple[str, int, str], ...]], ...] = (
    (
        {
            "name": "Mary Somerville",
            "company": "Celestial Mechanics Ltd",
            "email": "mary@celestial.example",
            "phone": "+44 20 7946 0018",
            "jobTitle": "Head of Research",
            "source": "referral",
            "score": 85,
            "value": "48000",
            "currency": "GBP",
        },
        ("contacted", "qualified"),
        (
            ("call", 12, "Wants the whole department on one platform by spring."),
            ("meeting", 5, "Showed boards and files; the security page convinced their IT."),
            ("mail", 2, "Sent the offer for 40 seats."),
        ),
    ),
    (
        {
            "name": "Edmund Berkeley",
            "company": "Simple Machines Inc",
            "email": "edmund@simplemachines.example",
            "source": "website",
            "score": 40,
            "value": "9500",
            "currency": "USD",
        },
        ("contacted",),
        (("mail", 3, "Asked whether it runs on a machine of their own."),),
    ),
    (
        {
            "name": "Katherine Johnson",
            "company": "Orbit Analytics",
            "email": "katherine@orbit.example",
            "phone": "+1 757 555 0134",
            "jobTitle": "CTO",
            "source": "event",
            "score": 95,
            "value": "120000",
            "currency": "USD",
        },
        ("contacted", "qualified", "won"),
        (("meeting", 30, "Met at the conference in May."), ("call", 8, "Signed for three years.")),
    ),
    (
        {
            "name": "Charles Babbage",
            "company": "Difference Engines",
            "email": "charles@difference.example",
            "source": "outbound",
            "score": 15,
            "value": "17000",
            "currency": "GBP",
        },
        ("contacted", "lost"),
        (("call", 20, "Rather builds it himself."),),
    ),
    (
        {
            "name": "Hedy Lamarr",
            "company": "Frequency Hoppers",
            "email": "hedy@hoppers.example",
            "source": "partner",
            "score": 60,
            "value": "30000",
            "currency": "EUR",
        },
        (),
        (("note", 1, "Comes by way of our partner in Vienna."),),
    ),
    (
        {
            "name": "Joan Clarke",
            "company": "Hut Eight Numismatics",
            "phone": "+44 1908 555 0108",
            "source": "website",
            "score": 70,
            "value": "6400",
            "currency": "GBP",
        },
        ("contacted", "qualified"),
        (("call", 4, "Needs an import of her old lists."),),
    ),
    (
        {"name": "Konrad Zuse", "company": "Zuse Apparatebau", "email": "konrad@zuse.example", "score": 50},
        ("contacted",),
        (("mail", 6, "Wants to see it on paper tape first."),),
    ),
)
# A worker imports one more lead from this file.
FILE = b"name,company,email,source,score\nAlan Turing,Bombe Works,alan@bombe.example,advertisement,25\n"


async def insert_demo_leads(conn: Any, demo: Demo) -> None:
    """Insert leads in various stages, owned in turn by two users unless still `new`, and queue an import."""
    ada, grace = demo.people[ADA], demo.people[GRACE]
    for number, (fields, stages, interactions) in enumerate(LEADS):
        owner, author = ((ada, grace) if number % 2 else (grace, ada)) if stages else (None, ada)
        data = load(CreateLead(), {**fields, "ownerId": str(owner) if owner else None})
        lead = await create_lead(conn, author, data)
        for stage in stages:
            data = {"stage": stage, **({"lostReason": "competitor"} if stage == "lost" else {})}
            lead = await apply_changes(conn, author, lead, data)
        await note(conn, lead["id"], owner or author, interactions)
    await apply_changes(conn, grace, lead, {"score": 55})
    options = {"mode": "skip", "dryRun": False, "fileName": "leads.csv"}
    await sql.imports.create_import(conn, owner_id=ada, kind="leads", options=options, body=FILE)


async def note(
    conn: Any, lead_id: UUID, author: UUID, interactions: tuple[tuple[str, int, str], ...]
) -> None:
    """Insert past interactions with a lead."""
    for kind, days, text in interactions:
        happened_at = datetime.now(UTC) - timedelta(days=days)
        await sql.leads.insert_interaction(
            conn, lead_id=lead_id, author_id=author, kind=kind, text=text, happened_at=happened_at
        )
