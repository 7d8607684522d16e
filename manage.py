#!/usr/bin/env python
"""Debrief's command line: `python manage.py help` lists what it can do."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from config.env import adopt_embedded_stack

if __name__ == "__main__":
    adopt_embedded_stack(Path(__file__).resolve().parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
