#!/bin/sh
# From data to model files in one command; stop it and start it again as you like.
#
#   ./train.sh nano [DATA [RUNS]]     the small network (the original size)
#   ./train.sh base [DATA [RUNS]]     the larger one
#
# DATA holds fer2013/ and ferplus/ (default ../../shared/data), RUNS gets checkpoints and curves
# (default runs). Needs the packages of training/requirements.txt; PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")"
size=${1:?nano or base}
data=${2:-../../shared/data}
runs=${3:-runs}
python=${PYTHON:-python3}

case $size in
nano) recipe="--epochs 80 --rate 3e-3 --weight-decay 0.01 --strength 0.6" ;;
base) recipe="--epochs 55 --rate 2e-3 --weight-decay 0.05 --strength 0.9" ;;
*) echo "train.sh: no size \"$size\" (nano or base)" >&2; exit 64 ;;
esac

# shellcheck disable=SC2086 # the recipe is several words
"$python" -m training.train --size "$size" --data "$data" --out "$runs/$size" --bf16 $recipe
"$python" -m training.curves "$runs/$size"
"$python" -m training.export --run "$runs/$size" --data "$data"
"$python" -m training.vectors network --model "mini_xception_$size.onnx" \
    --out "../tests/data/${size}_vectors.json"
