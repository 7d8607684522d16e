from incidents.models.counter import Counter
from incidents.models.evidence import Collection, CollectionRun, Evidence
from incidents.models.followup import FollowUp
from incidents.models.incident import Incident, Milestone, RoleAssignment, Severity
from incidents.models.postmortem import PostMortem, PostMortemTemplate, Review, Revision
from incidents.models.signal import IncidentProposal, SignalPolicy, SignalWatch
from incidents.models.timeline import TimelineEntry

__all__ = [
    "Collection",
    "CollectionRun",
    "Counter",
    "Evidence",
    "FollowUp",
    "Incident",
    "IncidentProposal",
    "Milestone",
    "PostMortem",
    "PostMortemTemplate",
    "Review",
    "Revision",
    "RoleAssignment",
    "Severity",
    "SignalPolicy",
    "SignalWatch",
    "TimelineEntry",
]
