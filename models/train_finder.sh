#!/bin/sh
# From data to the face finder's file in one command; stop it and start it again as you like.
#
#   ./train_finder.sh [DATA [RUNS [BACKGROUNDS]]]
#
# DATA is an optional data folder with fer2013/, ferplus/, detection/ and teachers/; RUNS gets
# checkpoints (default runs); BACKGROUNDS is an optional folder of further pictures without
# faces: photographs/SOURCE/ and others/SOURCE/ (FINDER.md says which ones the shipped file saw).
# Needs the packages of training/requirements.txt; PYTHON
# names the interpreter.
set -eu
cd "$(dirname "$0")"
data=${1:-../../shared/data}
run=${2:-runs}/finder
more=${3:-}
python=${PYTHON:-python3}

with_folders() {
    module=$1
    shift
    if [ -n "$more" ]; then
        set -- "$@" --photographs "$more"/photographs/*/ --backgrounds "$more"/others/*/
    fi
    "$python" -m "training.finder.$module" --data "$data" "$@"
}

# Train, look for false faces in the training backgrounds, and go on with them.
for until in 2500 4000 6000 8000 11000 13000 16000 20000 22000; do
    with_folders train --out "$run" --steps 22000 --until "$until"
    with_folders mine --run "$run"
done
"$python" -m training.finder.export --run "$run" --threshold 0.6
"$python" -m training.finder.vectors
"$python" -m training.finder.evaluate --model face_finder.onnx --data "$data"
