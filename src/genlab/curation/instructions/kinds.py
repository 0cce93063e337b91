"""The kinds of queries: a pack's own, or general ones for packs that have none. Names and definitions are genlab's own."""

from collections.abc import Sequence

from genlab.skills.pack import Pack
from genlab.skills.skill import QueryType
from genlab.skillworld.queries import QUERY_TYPES

GENERAL = (
    QueryType("information-seeking", "Somebody wants to know what is so, or why, and has no further plan with the answer."),
    QueryType("help-seeking", "Somebody is stuck with something of their own, says how it stands, and wants a way out."),
    QueryType("how-to", "Somebody wants to be shown, step by step, how a thing is done."),
    QueryType("comparison", "Somebody wants to see how two or more things differ, and which suits which purpose."),
    QueryType("decision-making", "Somebody has options with something for and against each, and wants to reach a choice."),
    QueryType("planning", "Somebody has an aim, and limits of time, money or people, and wants a plan that keeps to them."),
    QueryType("feedback-seeking", "Somebody shows a piece of their work, all of it, and wants to hear how to make it better."),
    QueryType("error detection", "Somebody gives a text, a calculation or an argument, and wants to know what is wrong with it."),
    QueryType("interpretation", "Somebody gives a situation, a remark or a result, and wants to know what it means."),
    QueryType("writing", "Somebody wants a text for a certain reader and occasion, with what it has to say."),
    QueryType("role or scenario", "Somebody sets a scene, with a part for the assistant in it, and wants it played out."),
)


def query_types(pack: Pack) -> Sequence[QueryType]:
    """A pack's query types; where it has none, those of skillworld's language if it is in that, else the general ones."""
    return pack.query_types or (QUERY_TYPES if pack.checker == "skillworld" else GENERAL)
