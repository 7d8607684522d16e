from django.urls import path

from incidents import urls_reading, urls_text
from incidents.views import followups, incidents, postmortems, signals, timeline

urlpatterns = [
    *urls_reading.urlpatterns,
    *urls_text.urlpatterns,
    path("incidents/", incidents.incident_list, name="incident-list"),
    path("incidents/declare/", incidents.incident_declare, name="incident-declare"),
    path("incidents/<int:number>/", incidents.incident, name="incident"),
    path("incidents/<int:number>/edit/", incidents.incident_edit, name="incident-edit"),
    path("incidents/<int:number>/status/", incidents.incident_status, name="incident-status"),
    path("incidents/<int:number>/roles/", incidents.incident_role, name="incident-role"),
    path("incidents/<int:number>/milestones/", incidents.incident_milestone, name="incident-milestone"),
    path("incidents/<int:number>/collection/", incidents.collection, name="incident-collection"),
    path("incidents/<int:number>/collect/", incidents.collect, name="incident-collect"),
    path("incidents/<int:number>/timeline/", timeline.timeline, name="incident-timeline"),
    path("incidents/<int:number>/glance/", timeline.glance, name="incident-glance"),
    path("incidents/<int:number>/evidence/panel/", timeline.evidence_items, name="evidence-panel"),
    path("incidents/<int:number>/timeline/notes/", timeline.note, name="incident-note"),
    path("incidents/<int:number>/timeline/<int:entry>/", timeline.entry, name="timeline-entry"),
    path("incidents/<int:number>/evidence/", timeline.evidence_list, name="evidence-list"),
    path("incidents/<int:number>/evidence/<int:evidence>/", timeline.evidence, name="evidence"),
    path("incidents/<int:number>/follow-ups/new/", followups.followup_new, name="followup-new"),
    path("incidents/<int:number>/postmortem/", postmortems.postmortem, name="postmortem"),
    path("incidents/<int:number>/postmortem/open/", postmortems.postmortem_open, name="postmortem-open"),
    path("incidents/<int:number>/postmortem/edit/", postmortems.postmortem_edit, name="postmortem-edit"),
    path("incidents/<int:number>/postmortem/autosave/", postmortems.postmortem_autosave, name="postmortem-autosave"),
    path("incidents/<int:number>/postmortem/preview/", postmortems.postmortem_preview, name="postmortem-preview"),
    path("signals/", signals.signal_list, name="signal-list"),
    path("signals/<slug:name>/", signals.signal_policy, name="signal-policy"),
    path("signals/proposals/<int:pk>/declare/", signals.proposal_declare, name="signal-declare"),
    path("signals/proposals/<int:pk>/dismiss/", signals.proposal_dismiss, name="signal-dismiss"),
    path("post-mortems/", postmortems.postmortem_list, name="postmortem-list"),
    path("follow-ups/", followups.followup_list, name="followup-list"),
    path("follow-ups/<int:number>/", followups.followup, name="followup"),
]
