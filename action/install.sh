#!/usr/bin/env bash
# Puts this very version of wanbatch, and what it needs by hash, into an environment of its
# own; a second use in one job finds it there. It may not read the repository's own files:
# what a pull request says about packages decides nothing here.
set -euo pipefail
cd "$GITHUB_ACTION_PATH"
environment="$RUNNER_TEMP/wanbatch"
if [ -x "$environment/bin/python" ]; then
  exit 0
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wanbatch needs Python 3.11 or newer: use actions/setup-python")'
python3 -m venv "$environment"
"$environment/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
"$environment/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation .
"$environment/bin/wanbatch" --version
