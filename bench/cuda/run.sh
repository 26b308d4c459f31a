#!/bin/sh
# Build, checks, compute-sanitizer and benchmark of the CUDA plugin on a machine that has nvcc, CMake and python3 with PyTorch and
# torchvision; no Node. Everything goes to build/cuda-native but the result, bench/results/cuda/<device>-<date>.json.
#
#   bench/cuda/run.sh             # all of it
#   bench/cuda/run.sh check       # only build and checks; `sanitize`, `bench` and `build` likewise
#
#   CUDA_ARCHITECTURES=90-real    # what machine code is built; by default that of the first device
#   PYTHON=python3                # the interpreter that has torch
set -eu
cd "$(dirname "$0")/../.."
what=${1:-all}
python=${PYTHON:-python3}
build=build/cuda-native
library=$PWD/$build/retinanet_ops_cuda.so

for tool in nvcc cmake "$python"; do
  command -v "$tool" > /dev/null || { echo "bench/cuda/run.sh needs $tool on the PATH" >&2; exit 1; }
done
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null | head -n 1 | tr -d .)
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DRETINANET_OPS_CUDA=ON \
  -DCMAKE_CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES:-${capability:?no device, and no CUDA_ARCHITECTURES}-real}" > /dev/null
cmake --build "$build" --target retinanet_ops_cuda --parallel > "$build/log" 2>&1 || { cat "$build/log" >&2; exit 1; }

if [ "$what" = all ] || [ "$what" = check ]; then
  "$python" bench/cuda/check.py --library "$library"
fi

# torch is not loaded there: check.py needs numpy alone.
if [ "$what" = all ] || [ "$what" = sanitize ]; then
  for tool in memcheck racecheck; do
    if command -v compute-sanitizer > /dev/null; then
      echo "compute-sanitizer $tool"
      compute-sanitizer --tool "$tool" --error-exitcode 1 "$python" bench/cuda/check.py --library "$library"
    else
      echo "SKIPPED: compute-sanitizer $tool, it is not on the PATH"
    fi
  done
fi

if [ "$what" = all ] || [ "$what" = bench ]; then
  "$python" bench/cuda/bench.py --library "$library"
fi
