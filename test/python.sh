#!/usr/bin/env bash
# Makes a Python with the packages that tests compare with, in the folder .python, and prints its path.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.python/bin/python
if ! "$python" -c 'import pycocotools' 2>/dev/null; then
  python3 -m venv .python >&2
  "$python" -m pip install --quiet pycocotools==2.0.11 >&2
fi
echo "$PWD/$python"
