#!/bin/sh
# From data to model files in one command; stop it and start it again as you like.
#
#   ./train.sh nano [DATA [RUNS]]     the small network (the original size)
#   ./train.sh base [DATA [RUNS]]     the larger one
#
# DATA is an optional data folder with fer2013/ and ferplus/, RUNS gets checkpoints and curves
# (default runs). Needs the packages of training/requirements.txt; PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")"
size=${1:?nano or base}
data=${2:-../../shared/data}
runs=${3:-runs}
python=${PYTHON:-python3}

train() {
    "$python" -m training.train --size "$size" --data "$data" --out "$runs/$size" --bf16 "$@"
}

# A rate is constant, then falls to nothing over the last part (--decay) of the epochs so far.
case $size in
nano)
    train --rate 3e-3 --weight-decay 0.01 --strength 0.6 --epochs 35 --decay 0.34
    train --rate 2e-3 --weight-decay 0.01 --strength 0.6 --epochs 48 --decay 0.271
    ;;
base) train --rate 2e-3 --weight-decay 0.05 --strength 0.9 --epochs 55 --decay 0.4 ;;
*)
    echo "train.sh: no size \"$size\" (nano or base)" >&2
    exit 64
    ;;
esac
"$python" -m training.curves "$runs/$size"
"$python" -m training.export --run "$runs/$size" --data "$data"
"$python" -m training.vectors network --model "mini_xception_$size.onnx" \
    --out "../tests/data/${size}_vectors.json"
