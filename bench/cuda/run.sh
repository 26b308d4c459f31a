#!/bin/sh
# All that a machine with a GPU is for: build, checks, compute-sanitizer, benchmarks and their peers. It needs nvcc, CMake and python3
# with numpy; with PyTorch, torchvision and Triton there are peers, and times by events. No Node.
#
#   bench/cuda/run.sh [MODE] [OPTION ...]
#
#   MODE: all (default), or one of
#     build      the plugin for this device, into build/cuda-native
#     check      layouts of the C structs, then check.py
#     sanitize   check.py under compute-sanitizer: memcheck with stream-ordered races, racecheck, synccheck, initcheck
#     bench      every case of cases.py in a process of its own
#     peers      every peer of every case in a process of its own
#     report     the table of what is there
#   --out FOLDER     for results and logs; RETINANET_OPS_RESULTS does the same; default bench/results/cuda
#   --only WORD      only the checks, cases and peers whose names hold it
#   --quick          small sizes
#   --resume         what has ended well in that folder is not done again
#   --jobs N         so many steps of sanitize, bench and peers at a time; what is timed takes turns
#   --werror         compiler warnings are errors; by default they are counted
#   --library FILE   a plugin that is there already
#   --rehearsal      all of it on the emulated plugin and small sizes, without a GPU; the times mean nothing
#
# A step that fails, hangs or crashes ends alone; the summary and the exit status (1) tell of it. No mode takes more than MODE_SECONDS
# (570), no step more than its own limit: what is left over is named, and the same call with --resume adds it. Results are lines of
# cuda.jsonl as they come.
#
#   CUDA_ARCHITECTURES=90-real    # what machine code is built; by default that of the first device
#   PYTHON=python3                # the interpreter that has torch
#   STEP_SECONDS=30               # no step takes longer
#   SANITIZER=compute-sanitizer
set -u
usage() { sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p;}' "$0"; }
refuse() { echo "bench/cuda/run.sh: $1" >&2; usage >&2; exit 2; }

mode= out=${RETINANET_OPS_RESULTS:-} only= quick= werror=OFF library= rehearsal= resume= jobs=1
while [ $# -gt 0 ]; do
  case $1 in
    --out | --only | --library | --jobs)
      [ $# -gt 1 ] || refuse "$1 needs a value"
      case $1 in --out) out=$2 ;; --only) only=$2 ;; --jobs) jobs=$2 ;; *) library=$2 ;; esac
      shift ;;
    --quick) quick=--quick ;;
    --werror) werror=ON ;;
    --resume) resume=yes ;;
    --rehearsal) rehearsal=yes quick=--quick ;;
    -h | --help) usage; exit 0 ;;
    all | build | check | sanitize | bench | peers | report)
      [ -z "$mode" ] || refuse "one mode, not $mode and $1"
      mode=$1 ;;
    *) refuse "no mode or option '$1'" ;;
  esac
  shift
done
mode=${mode:-all}
case $jobs in '' | 0* | *[!0-9]*) refuse "--jobs needs a number from 1 on, not '$jobs'" ;; esac
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
[ -z "$out" ] || out=$(absolute "$out")
[ -z "$library" ] || library=$(absolute "$library")
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
out=${out:-$root/bench/results/cuda}
python=${PYTHON:-python3}
sanitizer=${SANITIZER:-compute-sanitizer}
build=$root/build/cuda-native target=retinanet_ops_cuda
[ -z "$rehearsal" ] || { build=$root/build/cuda-rehearsal target=retinanet_ops_cuda_emulated; }
given=$library
library=${library:-$build/$target.so}
mkdir -p "$out/logs" || exit 1

# --- steps ------------------------------------------------------------------------------------------------------------

deadline=0
# What became of this call's steps, a line each: of a step at a time or of several, its first word ok, absent or failed.
outcomes=$out/logs/outcomes
: > "$outcomes"
record() { # STEP OUTCOME SECONDS
  printf '{"kind": "step", "step": "%s", "outcome": "%s", "seconds": %d}\n' "$1" "$2" "$3" >> "$out/cuda.jsonl"
}
begin() { deadline=$(($(date +%s) + ${MODE_SECONDS:-570})); echo "--- $1"; }
# NAME LIMIT COMMAND...: runs it with a limit of its own and what is left of the mode's, keeps what it says in logs/NAME.log.
step() {
  name=$1 limit=$2
  shift 2
  if [ -n "$resume" ] && grep -Eq "\"step\": \"$name\", \"outcome\": \"(ok|absent)\"" "$out/cuda.jsonl" 2> /dev/null; then
    return 0
  fi
  start=$(date +%s)
  left=$((deadline - start))
  [ "$limit" -le "${STEP_SECONDS:-600}" ] || limit=$STEP_SECONDS
  [ "$limit" -le "$left" ] || limit=$left
  if [ "$limit" -lt 1 ]; then
    outcome="not run: the mode's time is over"
  else
    timeout -k 10 "$limit" "$@" > "$out/logs/$name.log" 2>&1
    status=$?
    case $status in
      0) outcome=ok ;;
      3) outcome=absent ;;
      124 | 137) outcome="ended after $limit s" ;;
      *) outcome="failed ($status)" ;;
    esac
  fi
  seconds=$(($(date +%s) - start))
  record "$name" "$outcome" "$seconds"
  case $outcome in
    ok) line=ok shown=0 ;;
    absent) line=absent shown=1 ;;
    "not run"*) line="failed $name: $outcome" shown=0 ;;
    *) line="failed $name: $outcome, logs/$name.log" shown=5 ;;
  esac
  echo "$line" >> "$outcomes"
  printf '%-44s %s, %d s\n' "$name" "$outcome" "$seconds"
  [ $shown = 0 ] || tail -n $shown "$out/logs/$name.log" | sed 's/^/    /'
  case $line in failed*) return 1 ;; esac
}
# FUNCTION FILE: calls the function with the words of each line, so many lines at a time as there are jobs.
in_jobs() {
  job=0
  while [ $job -lt "$jobs" ]; do
    number=0
    while read -r line <&3; do
      # shellcheck disable=SC2086
      [ $((number % jobs)) -ne $job ] || $1 $line
      number=$((number + 1))
    done 3< "$2" &
    job=$((job + 1))
  done
  wait
}

# --- modes ------------------------------------------------------------------------------------------------------------

architectures() {
  [ -z "${CUDA_ARCHITECTURES:-}" ] || { echo "$CUDA_ARCHITECTURES"; return; }
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2> /dev/null | head -n 1 | tr -d ' .')
  case $capability in '' | *[!0-9]*) ;; *) echo "$capability-real" ;; esac
}

run_build() {
  begin build
  if [ -n "$given" ]; then
    echo "given: $given"
  elif [ -n "$rehearsal" ]; then
    step configure 150 cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release || return
    step build 570 cmake --build "$build" --target "$target" --parallel
  else
    built_for=$(architectures)
    # Of no device that answers: every architecture, which takes minutes longer.
    step configure 150 cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DRETINANET_OPS_CUDA=ON \
      -DRETINANET_OPS_WERROR=$werror -DCMAKE_CUDA_ARCHITECTURES="$built_for" || return
    step build 570 cmake --build "$build" --target "$target" --parallel || return
    echo "    for ${built_for:-every architecture}, $(grep -c 'warning' "$out/logs/build.log") warnings"
  fi
}

run_check() {
  begin check
  step layout 60 sh -c "'$python' bench/cuda/header.py > '$out/logs/layout.c' &&
    \${CC:-cc} -fsyntax-only -Inative/backend '$out/logs/layout.c'"
  step check 400 "$python" bench/cuda/check.py --library "$library" --only "$only"
}

sanitize_with() { # TOOL
  case $1 in
    memcheck) more="--track-stream-ordered-races all --padding 64" ;;
    racecheck) more="--racecheck-report all" ;;
    *) more= ;;
  esac
  # torch is not loaded there: check.py needs numpy alone. $more is several words.
  # shellcheck disable=SC2086
  step "sanitize-$1" 500 sh -c 'command -v "$1" > /dev/null || { echo "absent: $1"; exit 3; }; exec "$@"' - \
    "$sanitizer" --tool $1 $more --error-exitcode 1 "$python" bench/cuda/check.py --library "$library" --only "$only" \
    --logits 100000
}
run_sanitize() {
  begin sanitize
  printf '%s\n' memcheck racecheck synccheck initcheck > "$out/logs/list"
  in_jobs sanitize_with "$out/logs/list"
}

# CASE [PEER]; while one is timed the others of its kind wait, which counts.
bench_of() {
  case $1${2:+-$2} in *"$only"*) ;; *) return ;; esac
  # shellcheck disable=SC2086
  step "bench-$1${2:+-$2}" $((60 + 30 * jobs)) "$python" bench/cuda/bench.py "$1" ${2:+--peer $2} \
    --library "$library" --out "$out" $quick
}
# LIST-OPTION: the cases, or cases and peers, of bench.py; each in a process of its own.
run_each() {
  if "$python" bench/cuda/bench.py --list $1 > "$out/logs/list" 2> "$out/logs/list.log"; then
    in_jobs bench_of "$out/logs/list"
  else
    echo "failed bench.py --list: logs/list.log" >> "$outcomes"
  fi
}
run_bench() { begin bench; run_each ""; }
run_peers() { begin peers; run_each --peers; }
run_report() { begin report; if [ -s "$out/cuda.jsonl" ]; then "$python" bench/cuda/report.py "$out"; else echo "no results"; fi; }

if [ "$mode" = all ]; then
  run_build
  for each in check sanitize bench peers report; do "run_$each"; done
else
  [ "$mode" = build ] || [ "$mode" = report ] || [ -f "$library" ] || run_build
  "run_$mode"
fi
count() { grep -c "^$1" "$outcomes"; }
echo "--- $(count ok) steps ok, $(count absent) absent, $(count failed) failed; results in $out"
sed -n 's/^failed //p' "$outcomes"
[ "$(count failed)" = 0 ]
