from knowledge.models.brownbag import BrownBagItem, BrownBagSession
from knowledge.models.checklist import Checklist, ChecklistItem, ChecklistRun, ChecklistTick
from knowledge.models.lesson import Lesson

__all__ = [
    "BrownBagItem",
    "BrownBagSession",
    "Checklist",
    "ChecklistItem",
    "ChecklistRun",
    "ChecklistTick",
    "Lesson",
]
