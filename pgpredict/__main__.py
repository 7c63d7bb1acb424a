"""``python -m pgpredict``: the same as the command ``pgpredict``."""

from __future__ import annotations

from pgpredict.cli import main

if __name__ == "__main__":
    main()
