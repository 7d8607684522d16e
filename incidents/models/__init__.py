from incidents.models.counter import Counter
from incidents.models.evidence import Collection, CollectionRun, Evidence
from incidents.models.followup import FollowUp
from incidents.models.incident import Incident, Milestone, RoleAssignment, Severity
from incidents.models.notice import Notice
from incidents.models.picture import Picture
from incidents.models.postmortem import PostMortem, PostMortemTemplate, Publication, Revision, TemplateDefault
from incidents.models.review import Comment, ExternalLink, Review
from incidents.models.signal import IncidentProposal, SignalPolicy, SignalWatch
from incidents.models.timeline import TimelineEntry
from incidents.models.writing import Edit, SetAside, SharedDocument, SharedUpdate

__all__ = [
    "Collection",
    "CollectionRun",
    "Comment",
    "Counter",
    "Edit",
    "Evidence",
    "ExternalLink",
    "FollowUp",
    "Incident",
    "IncidentProposal",
    "Milestone",
    "Notice",
    "Picture",
    "PostMortem",
    "PostMortemTemplate",
    "Publication",
    "Review",
    "Revision",
    "RoleAssignment",
    "SetAside",
    "Severity",
    "SharedDocument",
    "SharedUpdate",
    "SignalPolicy",
    "SignalWatch",
    "TemplateDefault",
    "TimelineEntry",
]
