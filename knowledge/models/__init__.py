from knowledge.models.brownbag import Attendance, BrownBagItem, BrownBagSession, Feedback
from knowledge.models.checklist import (
    CheckException,
    Checklist,
    ChecklistItem,
    ChecklistRun,
    ChecklistSchedule,
    ChecklistTick,
    ChecklistVersion,
    CheckRecord,
    CheckState,
    FollowUpCheck,
    Verdict,
)
from knowledge.models.export import Export
from knowledge.models.lesson import ImportedDocument, Lesson, LessonShowing, LessonVerdict
from knowledge.models.matching import Match, MatchRequest, Trait
from knowledge.models.recovery import Drill, RecoveryObjective, RecoveryReading
from knowledge.models.search import SearchCursor, SearchDocument, SearchWord

__all__ = [
    "Attendance",
    "BrownBagItem",
    "BrownBagSession",
    "CheckException",
    "CheckRecord",
    "CheckState",
    "Checklist",
    "ChecklistItem",
    "ChecklistRun",
    "ChecklistSchedule",
    "ChecklistTick",
    "ChecklistVersion",
    "Drill",
    "Export",
    "Feedback",
    "FollowUpCheck",
    "ImportedDocument",
    "Lesson",
    "LessonShowing",
    "LessonVerdict",
    "Match",
    "MatchRequest",
    "RecoveryObjective",
    "RecoveryReading",
    "SearchCursor",
    "SearchDocument",
    "SearchWord",
    "Trait",
    "Verdict",
]
