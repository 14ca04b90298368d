#!/bin/sh
# From data to the face finder's file in one command; stop it and start it again as you like.
#
#   ./train_finder.sh [DATA [RUNS [BACKGROUNDS...]]]
#
# DATA is an optional data folder with fer2013/, ferplus/, detection/ and teachers/; RUNS gets
# checkpoints (default runs); BACKGROUNDS are folders of further pictures without faces
# (FINDER.md says which ones the shipped file saw). Needs the packages of
# training/requirements.txt and opencv-python-headless; PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")"
data=${1:-../../shared/data}
run=${2:-runs}/finder
shift $(($# < 2 ? $# : 2))
python=${PYTHON:-python3}

train() {
    "$python" -m training.finder.train --data "$data" --out "$run" --backgrounds "$backgrounds" "$@"
}

# Train, look for false faces in the training backgrounds, and go on with those.
for until in 2500 4000 7000 11000 15000; do
    "$python" -m training.finder.train --data "$data" --out "$run" --backgrounds "$@" \
        --steps 20000 --until "$until"
    "$python" -m training.finder.mine --data "$data" --run "$run" --backgrounds "$@"
done
