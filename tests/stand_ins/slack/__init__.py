"""A stand-in for Slack: its Web API over real HTTP, and the people in it who talk to Debrief."""

from tests.stand_ins.slack.delivery import Answer, through_client
from tests.stand_ins.slack.slack import SlackStandIn
from tests.stand_ins.slack.workspace import NotPossible

__all__ = ["Answer", "NotPossible", "SlackStandIn", "through_client"]
