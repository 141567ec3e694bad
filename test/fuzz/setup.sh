#!/usr/bin/env bash
# Installs schemathesis in the folder .fuzz, and prints the path of its program.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=.fuzz/bin/python
if ! "$python" -c 'from importlib.metadata import version; assert version("schemathesis") == "4.32.5"' 2>/dev/null; then
  python3 -m venv .fuzz >&2
  "$python" -m pip install --quiet schemathesis==4.32.5 >&2
fi
echo "$PWD/.fuzz/bin/schemathesis"
