from incidents.models.alert import AlertDeed, AlertRule, MitigationProposal
from incidents.models.attachment import Attachment
from incidents.models.counter import Counter
from incidents.models.delivery import Delivery
from incidents.models.evidence import Collection, CollectionRun, Evidence
from incidents.models.followup import FollowUp
from incidents.models.happening import Happening
from incidents.models.incident import Incident, Milestone, RoleAssignment, Severity
from incidents.models.merge import IncidentMerge
from incidents.models.notice import Notice
from incidents.models.picture import Picture
from incidents.models.postmortem import PostMortem, PostMortemTemplate, Publication, Revision, TemplateDefault
from incidents.models.reminder import Reminder
from incidents.models.review import Comment, ExternalLink, Review
from incidents.models.signal import IncidentProposal, SignalPolicy, SignalWatch
from incidents.models.timeline import TimelineEntry
from incidents.models.update import IncidentUpdate
from incidents.models.writing import Edit, SetAside, SharedDocument, SharedUpdate

__all__ = [
    "AlertDeed",
    "AlertRule",
    "Attachment",
    "Collection",
    "CollectionRun",
    "Comment",
    "Counter",
    "Delivery",
    "Edit",
    "Evidence",
    "ExternalLink",
    "FollowUp",
    "Happening",
    "Incident",
    "IncidentMerge",
    "IncidentProposal",
    "IncidentUpdate",
    "Milestone",
    "MitigationProposal",
    "Notice",
    "Picture",
    "PostMortem",
    "PostMortemTemplate",
    "Publication",
    "Reminder",
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
