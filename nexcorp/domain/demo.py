"""The people of the demo company, for the seed and for pages that show how to sign in."""

from __future__ import annotations

from dataclasses import dataclass

DEMO_PASSWORD = "correct-horse-battery"  # noqa: S105 - printed to whoever runs the demo
# The accounts that the sign-in form offers in development: an administrator, a manager, a member.
DEMO_USERNAMES = ("ada", "grace", "linus")
# Their indexes in PEOPLE.
ADA, GRACE, LINUS, MARIE, DOROTHY, EDSGER, BARBARA, EMMY, NIKOLA, FLORENCE = range(10)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person of the demo company, as their profile shows them."""

    username: str
    first_name: str
    last_name: str
    role: str
    job_title: str
    department: str
    bio: str

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.username}@example.com"


PEOPLE = (
    DemoPerson(
        "ada", "Ada", "Lovelace", "admin", "Chief Engineer", "Engineering",
        "Writes programs for machines that are not built yet.",
    ),
    DemoPerson(
        "grace", "Grace", "Hopper", "manager", "Head of Compilers", "Engineering",
        "Keeps a clock that runs backwards, and a moth in a notebook.",
    ),
    DemoPerson(
        "linus", "Linus", "Pauling", "member", "Chemist", "Research", "Models of paper first, then the rest.",
    ),
    DemoPerson(
        "marie", "Marie", "Curie", "member", "Head of the Laboratory", "Research",
        "Please do not touch what glows.",
    ),
    DemoPerson(
        "dorothy", "Dorothy", "Vaughan", "member", "Head of Computing", "Operations",
        "Taught herself Fortran, and then everybody else.",
    ),
    DemoPerson(
        "edsger", "Edsger", "Dijkstra", "member", "Software Engineer", "Engineering",
        "Knows the shortest way to the canteen.",
    ),
    DemoPerson(
        "barbara", "Barbara", "Liskov", "member", "Software Architect", "Engineering",
        "Can be replaced by anybody who keeps the same promises.",
    ),
    DemoPerson(
        "emmy", "Emmy", "Noether", "member", "Mathematician", "Research", "Looks for what stays the same.",
    ),
    DemoPerson(
        "nikola", "Nikola", "Tesla", "member", "Facility Manager", "Operations",
        "Lamps, lifts, sockets: call before you try it yourself.",
    ),
    DemoPerson(
        "florence", "Florence", "Nightingale", "manager", "Head of People", "People",
        "Windows open, charts round.",
    ),
)  # fmt: skip
