"""Errors of leads."""

from __future__ import annotations

from nexcorp.errors import Conflict, Forbidden, NotFound


class LeadNotFound(NotFound):
    """The lead does not exist."""

    code, message = "lead_not_found", "There is no such lead."
    meaning = "The lead does not exist."


class LeadMerged(NotFound):
    """The lead was merged; `details["mergedInto"]` is the id of the surviving lead."""

    code, message = "lead_merged", "This lead was merged with another one."
    meaning = "The lead was merged into another one, whose id is `mergedInto`."


class LeadDuplicate(Conflict):
    """Leads with this e-mail address or number exist; `details["leadIds"]` are the oldest of them."""

    code = "lead_duplicate"
    message = "A lead has this e-mail address or phone number: send allowDuplicate if this is another one."
    meaning = (
        "Leads with this e-mail address or phone number exist (`leadIds`); `allowDuplicate` permits that."
    )


class InteractionNotFound(NotFound):
    """The lead has no interaction with this id."""

    code, message = "interaction_not_found", "There is no such interaction with this lead."
    meaning = "The lead has no interaction with this id."


class NotYourInteraction(Forbidden):
    """The interaction was noted by another user; the message says who may do this."""

    code, message = "not_your_interaction", "Only the author may change an interaction."
    meaning = "Only the author may change it; the route says who else may delete it."
