"""The only upward channel: what happened, sent after the transaction that did it has been written down.

Each signal carries ids and the time alone: receivers (knowledge, chat services) read what they need.
"""

from django.dispatch import Signal

incident_declared = Signal()  # incident_id, at
incident_changed = Signal()  # incident_id, at, change ("status", "severity", "roles", "fields")
evidence_collected = Signal()  # incident_id, at, collection_id
postmortem_published = Signal()  # postmortem_id, at
person_notified = Signal()  # notice_id, at
incident_updated = Signal()  # incident_id, at, update_id
incident_proposed = Signal()  # proposal_id, at
incident_matched = Signal()  # incident_id, at, matches: [{"title", "address", "reason"}]
reminder_due = Signal()  # incident_id, at, kind ("severity", "commander", "update")
