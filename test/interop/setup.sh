#!/bin/sh
# Makes .interop/venv and the models of the interop test, from PyPI alone. On Linux PyPI has PyTorch only with CUDA: its
# libraries must be there for it to load (5.0 GB on disk), but Triton (1 GB) need not, so it is left out.
set -e
cd "$(dirname "$0")/../.."
mkdir -p .interop
if [ ! -e .interop/venv/complete ]; then
  "${PYTHON:-python3}" -m venv .interop/venv
  pip=".interop/venv/bin/pip install --quiet --disable-pip-version-check"
  $pip --no-deps torch==2.15.0 torchvision==0.29.2 timm==1.0.31 ultralytics==8.4.190 ultralytics-thop
  if [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; then
    $pip --no-deps nvidia-cudnn-cu13==9.26.0.51 nvidia-cusparselt-cu13==0.8.1 nvidia-nccl-cu13==2.30.7 nvidia-nvshmem-cu13==3.7.2
    $pip "cuda-toolkit[cublas,cudart,cufft,cufile,cupti,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.2.2"
  fi
  $pip numpy onnx==1.23.2 onnxruntime onnxscript==0.7.2 filelock typing-extensions sympy networkx jinja2 fsspec setuptools \
    pillow pyyaml safetensors huggingface_hub requests psutil polars matplotlib opencv-python-headless
  touch .interop/venv/complete
fi
cd .interop
YOLO_OFFLINE=true YOLO_CONFIG_DIR="$PWD" venv/bin/python ../test/interop/make.py models
