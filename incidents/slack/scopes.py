"""What the app may do in Slack, and what does not work without it. https://docs.slack.dev/reference/scopes"""

from __future__ import annotations

from collections.abc import Iterable

NEEDED = {
    "app_mentions:read": "Mentioning the bot declares nothing.",
    "bookmarks:write": "Incident channels have no bookmarks to the incident and its post-mortem.",
    "channels:history": "Messages of public channels cannot be put on the timeline; edits and deletions are missed.",
    "channels:join": "The bot does not come into a public channel by itself.",
    "channels:manage": "No channel is made for an incident; topic and people are not set, nothing is archived.",
    "channels:read": "A channel that was made in a try that was cut off is not found again; renames are missed.",
    "chat:write": "Nothing is said in Slack at all: no headline, no announcement, no reminder.",
    "chat:write.public": "The central channel is told nothing until somebody invites the bot there.",
    "commands": "There is no /incident, and there are no shortcuts.",
    "files:read": "Pictures and files of messages are not kept.",
    "groups:history": "Messages of restricted incidents' channels cannot be put on the timeline.",
    "groups:read": "Private channels are not found again, and their renames are missed.",
    "groups:write": "Restricted incidents get no private channel.",
    "im:write": "Nobody gets notices, digests or answers in a direct message.",
    "pins:read": "Pinning a message does not put it on the timeline.",
    "pins:write": "The headline of an incident's channel is not pinned.",
    "reactions:read": "Reacting to a message does not put it on the timeline.",
    "reactions:write": "A message that was put on the timeline gets no mark.",
    "usergroups:read": "User groups are not invited, and stand in texts by their ids.",
    "users:read": "People stand in texts by their ids, and are not linked to people here.",
    "users:read.email": "People are not linked by their e-mail address; an admin links each by hand.",
}


def missing(granted: Iterable[str]) -> list[tuple[str, str]]:
    """Each needed scope that was not granted, with what does not work without it."""
    known = set(granted)
    return [(scope, reason) for scope, reason in NEEDED.items() if scope not in known]
