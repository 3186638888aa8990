"""`python -m anyhub.cli` is `anyhub`."""

import sys

from anyhub.cli.main import main

sys.exit(main())
