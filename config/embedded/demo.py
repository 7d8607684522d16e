"""The example outage of `make demo`: stand-ins that serve the recordings, asked by the real collectors.

The stand-ins are those of the tests and live as long as the stack, so that "collect again" works.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from config.embedded.stack import Stack
from tests.stand_ins.api_server import RECORDINGS
from tests.stand_ins.kubernetes import KubernetesStandIn
from tests.stand_ins.prometheus import PrometheusStandIn


@contextmanager
def recorded_outage(stack: Stack) -> Iterator[None]:
    with KubernetesStandIn() as kubernetes, PrometheusStandIn() as prometheus:
        given = {
            "kubeconfig": kubernetes.kubeconfig(),
            "prometheus": prometheus.url,
            "recordings": str(RECORDINGS),
            "debrief": f"http://127.0.0.1:{stack.port}",
        }
        stack.manage("replay_outage", given=json.dumps(given))
        yield
