"""How long a process that a test starts may take before it is taken for one that hangs."""

from __future__ import annotations

# Seconds. No test takes so long; under emulation, where all is some thirty times slower, some take minutes.
LONGEST = 600
