"""The Celery application. Workers die with their parent, so that nothing outlives a killed stack."""

import ctypes
import os
import signal
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("debrief")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Alerting calls actions, which stand above the usual tasks.
app.autodiscover_tasks(["incidents"], related_name="alerting")
app.autodiscover_tasks(["incidents"], related_name="alert_watch")

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_main_process = 0


@worker_init.connect
def remember_main_process(**_: Any) -> None:
    global _main_process
    _main_process = os.getpid()


@worker_process_init.connect
def die_with_parent(**_: Any) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # Killed between the fork and the line above, the parent's death would never be told.
        if os.getppid() != _main_process:
            os._exit(1)
