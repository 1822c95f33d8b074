"""Runs the command line as ``python -m wanbatch``."""

from wanbatch.cli.main import main

if __name__ == "__main__":
    main()
