"""`python -m m2v_lite`: the command line."""

from m2v_lite.commands.main import main

raise SystemExit(main())
