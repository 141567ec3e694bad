#!/usr/bin/env bash
# Makes a Python with the packages that tests compare with, in the folder .python, and prints its path.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.python/bin/python
if ! "$python" -c 'import pycocotools, jupyter_kernel_test, nbclient, nbmake, moto, flask' 2>/dev/null; then
  python3 -m venv .python >&2
  "$python" -m pip install --quiet pycocotools==2.0.11 jupyter_client==8.10.0 jupyter_kernel_test==0.7.0 \
    nbclient==0.11.0 nbmake==1.5.5 'moto[s3,server]==5.2.3' >&2
fi
echo "$PWD/$python"
