"""What incidents of a time have in common: durations, signals, follow-ups, detection, lessons. Nothing ranks people."""
