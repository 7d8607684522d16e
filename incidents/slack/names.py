"""The names by which Slack and Debrief know forms, buttons and shortcuts: as in the manifest and in messages sent."""

from __future__ import annotations

import re

SERVICE = "slack"
COMMAND = "/incident"
HEARTBEAT = "slack-sockets"
ANY = re.compile(".*", re.DOTALL)

# Shortcuts (the manifest lists them).
DECLARE = "declare"
DECLARE_FROM_MESSAGE = "declare_from_message"
ADD_TO_TIMELINE = "add_to_timeline"
CREATE_FOLLOWUP = "create_followup"

# Forms: callback_id of a view.
DECLARE_FORM = "declare_form"
UPDATE_FORM = "update_form"
TIMELINE_FORM = "timeline_form"
FOLLOWUP_FORM = "followup_form"

# Buttons and menus: action_id, up to the first colon.
OPEN_DECLARE = "open_declare"
OPEN_UPDATE = "open_update"
OPEN_FOLLOWUP = "open_followup"
SET_STATUS = "set_status"
SET_SEVERITY = "set_severity"
TAKE_COMMAND = "take_command"
VISIT = "visit"
SNOOZE_REMINDER = "snooze_reminder"
FOLLOWUP_DONE = "followup_done"
FOLLOWUP_SNOOZE = "followup_snooze"
FOLLOWUP_REASSIGN = "followup_reassign"
PROPOSAL_DECLARE = "proposal_declare"
PROPOSAL_DISMISS = "proposal_dismiss"
SHOW_LIST = "show_list"
PLACE = "place"
JOIN = "join"
