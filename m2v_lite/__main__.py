"""Runs the command line with `python -m m2v_lite`."""

from m2v_lite.commands.main import main

raise SystemExit(main())
