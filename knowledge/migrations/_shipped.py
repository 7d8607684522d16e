"""What the migration of shipped checklists writes. Never changed after a release; a later one gets a file of its own."""

# What 0002 brought, by name: (text, why).
EARLIER = {
    "Roll back a release": [
        ("Say in the channel that you roll back, and to which revision", ""),
        ("Check that the revision you go back to was healthy", "A roll-back to something broken looks like help."),
        ("Stop the pipeline, so that it does not roll forward again", ""),
        ("Roll back and watch the rollout to its end", ""),
        ("New pods are Ready for 5 minutes", ""),
        ("The metric that told of the impact is back at its baseline", ""),
        ("Write down what was rolled back, and set the milestone Mitigated", ""),
    ],
    "First ten minutes": [
        ("Take the role of commander, and say so", ""),
        ("Set the severity by what users notice, not by the cause", ""),
        ("Set when the impact started", "Every duration is counted from it."),
        ("Look at what changed in the hour before", ""),
        ("Name who speaks with those outside", ""),
        ("Say when the next update comes", ""),
    ],
    "After the incident": [
        ("The impact is a number with evidence", ""),
        ("More than one contributing factor was considered", "There is never one root cause."),
        ("Detection is explained: what told us, and what could have told us earlier", ""),
        ("Every follow-up has an owner and a date", ""),
        ("Nobody's name stands where a condition should", ""),
    ],
    "Backup and restore": [
        ("The newest usable backup is younger than the RPO", "PartiallyFailed is not usable."),
        ("Backups are stored outside the cluster and its zone", ""),
        ("A restore was tried within the last 90 days, and timed", "The measured time is the RTO you have."),
        ("Whoever is on call can start a restore alone", ""),
    ],
    "Production readiness": [
        ("At least two replicas, on different nodes and zones", ""),
        ("A PodDisruptionBudget that lets one pod go", ""),
        ("Readiness asks for dependencies, liveness only for the process", ""),
        ("Requests and limits are set from measurement", ""),
        ("Metrics, logs and traces of the service arrive", ""),
        ("An alert fires on what users notice", ""),
    ],
}

A, S, C, B, O = "Availability", "Scaling", "Capacity", "Backup and restore", "Observability"
PEOPLE, WORDS, FACTS = "People", "Words", "Facts"
PROBES = {"startup": "optional", "same": "tell"}

REPLICAS = (A, "At least two replicas, all ready", "One pod is no service during its own restart.", "replicas", {"least": 2})
SPREAD = (A, "Its pods run on different nodes and zones", "What is in one place goes at once.", "spread", {"nodes": 2, "zones": 2})
BUDGET = (A, "A PodDisruptionBudget that lets one pod go", "Without one a drain takes all; one that allows nothing holds it up.", "disruption_budget", {})
PROBED = (A, "Readiness asks for dependencies, liveness only for the process", "A liveness probe that waits for a database restarts every pod when it is away.", "probes", PROBES)
SCALES = (S, "It scales with its load, or a reason says why not", "", "autoscaler", {"reason": ""})
ASKS = (C, "Requests and limits are set from measurement", "", "resources", {"cpu_limit": "optional"})
PINNED = (C, "Images are pinned to a release or a digest", "A moving tag makes a restart a rollout.", "images", {"by": "tag"})
COVERED = (B, "Every volume is covered by a backup", "", "backup_covered", {})
FRESH = (B, "The newest usable backup is younger than the RPO", "PartiallyFailed is not usable.", "backup_age", {"rpo_hours": 0})
ELSEWHERE = (B, "Backups are stored outside the cluster and its zone", "What is kept inside is lost with it.", "backup_off_cluster", {})
TRIED = (B, "A restore was tried within the last 90 days, and timed", "The measured time is the RTO you have.", "restore_tested", {"days": 90})
METRICS = (O, "Metrics of the service are scraped", "", "metrics_scraped", {"minutes": 60})
LOGS = (O, "Logs of the service arrive", "", "logs_arriving", {"minutes": 60})
TRACES = (O, "Traces of the service arrive", "", "traces_arriving", {"minutes": 60})
ALERTS = (O, "An alert fires on what users notice", "", "alerts_exist", {})


def by_hand(group, text, why=""):
    return (group, text, why, "", {})


# shipped: (name, kind, description, [(group, text, why, check, params)]).
CHECKLISTS = {
    "roll-back": (
        "Roll back a release",
        "response",
        "When the symptom began with a rollout.",
        [by_hand("", text, why) for text, why in EARLIER["Roll back a release"]],
    ),
    "incident-response": (
        "First ten minutes",
        "response",
        "Incident response, for whoever takes command.",
        [
            by_hand(PEOPLE, "Take the role of commander, and say so"),
            by_hand(PEOPLE, "Name who writes down what is done", "The commander has no hands free."),
            by_hand(FACTS, "Set the severity by what users notice, not by the cause"),
            by_hand(FACTS, "Set when the impact started", "Every duration is counted from it."),
            by_hand(FACTS, "Look at what changed in the hour before"),
            by_hand(FACTS, "Look at what Debrief has seen before", "The last one may tell how this one ends."),
            by_hand(FACTS, "Mitigate first: roll back, scale, divert; understand later"),
            by_hand(WORDS, "Name who speaks with those outside"),
            by_hand(WORDS, "Say when the next update comes"),
        ],
    ),
    "after-the-incident": (
        "After the incident",
        "review",
        "Before the post-mortem is published.",
        [
            by_hand("The text", "The impact is a number with evidence"),
            by_hand("The text", "More than one contributing factor was considered", "There is never one root cause."),
            by_hand("The text", "Detection is explained: what told us, and what could have told us earlier"),
            by_hand("The text", "Nobody's name stands where a condition should"),
            by_hand("What follows", "Every follow-up has an owner and a date"),
            by_hand("What follows", "Where a check can tell that a follow-up is done, it carries one"),
            by_hand("What follows", "The lesson is a sentence that the next on call will meet"),
            by_hand("What follows", "An alert would tell of it next time", "Users should not be the first to know."),
        ],
    ),
    "backup-and-restore": (
        "Backup and restore",
        "recovery",
        "For a service that holds data.",
        [
            COVERED,
            FRESH,
            ELSEWHERE,
            TRIED,
            by_hand(PEOPLE, "Whoever is on call can start a restore alone"),
            by_hand(PEOPLE, "The credentials of the backup lie elsewhere than what it backs up", "One stolen key must not take both."),
        ],
    ),
    "production-readiness": (
        "Production readiness",
        "readiness",
        "Before a service takes traffic.",
        [REPLICAS, SPREAD, BUDGET, PROBED, SCALES, ASKS, PINNED, METRICS, LOGS, TRACES, ALERTS],
    ),
    "high-availability": (
        "High availability",
        "readiness",
        "Whether a service outlives the loss of a pod, a node, a zone.",
        [
            REPLICAS,
            SPREAD,
            BUDGET,
            PROBED,
            SCALES,
            by_hand(A, "Its clients retry with a pause that grows, and give up in time", "Retries without one are the second outage."),
            by_hand(A, "The loss of each dependency was tried, and what users see then is known"),
        ],
    ),
    "disaster-recovery": (
        "Disaster recovery",
        "recovery",
        "When a cluster or a zone is gone; also the plan of a drill.",
        [
            COVERED,
            FRESH,
            ELSEWHERE,
            TRIED,
            by_hand("Before", "An objective is agreed: how long away, how much data lost", "Without one nothing can be missed."),
            by_hand("Before", "Manifests and secrets can be had without the cluster"),
            by_hand("During", "Set Impact started when it breaks", "RTO and RPO are measured from it."),
            by_hand("During", "Restore into a place of its own first, and look at the data"),
            by_hand("During", "Move traffic, and set Mitigated when users are served"),
            by_hand("After", "Enter the time of the newest data that came back"),
            by_hand("After", "Each finding is a follow-up"),
        ],
    ),
    "observability": (
        "Observability",
        "readiness",
        "Whether anybody would notice, and could find out why.",
        [
            METRICS,
            LOGS,
            TRACES,
            ALERTS,
            by_hand(O, "The alert links to what to do", "At three in the morning nobody searches."),
            by_hand(O, "Logs carry the id of the trace"),
            by_hand(O, "A dashboard shows what users notice on its first line"),
        ],
    ),
}
