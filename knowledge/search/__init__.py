"""One box over incidents, post-mortems, lessons, checklists, follow-ups, timeline, evidence and archived Events."""
