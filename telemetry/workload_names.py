"""What people would call a thing by, told from the names that controllers give to what they make."""

from __future__ import annotations

import re

from telemetry.collectors.kubernetes.selection import SUFFIX

# How controllers name what they make; without a recorded owner nothing else tells it.
PARENTS = {
    "Pod": (
        ("Deployment", re.compile(rf"(.+)-{SUFFIX}{{5,10}}-{SUFFIX}{{5}}")),
        ("CronJob", re.compile(rf"(.+)-\d{{8,12}}-{SUFFIX}{{5}}")),
        ("StatefulSet", re.compile(r"(.+)-\d{1,6}")),
    ),
    "ReplicaSet": (("Deployment", re.compile(rf"(.+)-{SUFFIX}{{5,10}}")),),
    "Job": (("CronJob", re.compile(r"(.+)-\d{8,12}")),),
}


Owner = tuple[str, str]


def named_workload(kind: str, name: str, owner: Owner | None = None) -> tuple[str, str]:
    """Kind and name of what people would name: the Deployment of a pod, the CronJob of a Job, else the thing itself.

    `owner` None: nobody knows it, so the shape of the name must tell; ("", "") is known to have none.
    """
    if owner is None:
        return next(
            ((above, found[1]) for above, shape in PARENTS.get(kind, ()) if (found := shape.fullmatch(name))),
            (kind, name),
        )
    # The mirror of a static pod belongs to its node.
    if not owner[0] or owner[0] == "Node":
        return kind, name
    return named_workload(*owner) if owner[0] in PARENTS else owner
