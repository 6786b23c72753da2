"""`python -m nnks.cli`."""

import sys

from nnks.cli import main

sys.exit(main())
