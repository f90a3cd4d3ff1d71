"""`python -m jw2v`."""

import sys

if sys.argv[1:2] == ["--worker"]:
    from jw2v.training.worker import main
else:
    from jw2v.cli import main

sys.exit(main())
