"""`python3 -m bridge` is the command scanbridge."""

import sys

from bridge.cli import main

sys.exit(main())
