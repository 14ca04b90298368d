#!/bin/sh
# From data to model files in one command; stop it and start it again as you like.
#
#   ./train.sh nano [DATA [RUNS [NEGATIVES]]]     the small network (the original size)
#   ./train.sh base [DATA [RUNS [NEGATIVES]]]     the larger one
#
# DATA is an optional data folder with fer2013/ and ferplus/, RUNS gets checkpoints and curves
# (default runs). With NEGATIVES, a folder of pictures without faces, the network also learns to say
# "this is no face". Needs the packages of training/requirements.txt; PYTHON names the interpreter.
set -eu
cd "$(dirname "$0")"
size=${1:?nano or base}
data=${2:-../../shared/data}
runs=${3:-runs}
negatives=${4:-}
python=${PYTHON:-python3}

# The run that is exported.
run=$runs/$size

# A rate is constant, then falls to nothing over the last part (--decay) of the epochs so far.
train() {
    name=$1
    shift
    "$python" -m training.train --size "$name" --data "$data" --out "$runs/$name" --bf16 "$@"
}

# The second branch of base, beside the finished first.
train_second() {
    "$python" -m training.train --size base --onto "$runs/base/best.pt" --data "$data" --out "$run" --bf16 --rate 2e-3 "$@"
}

# All of a network that was trained.
learn_on() {
    name=$1
    from=$2
    shift 2
    "$python" -m training.train --size "$size" --begin "$runs/$from/best.pt" --data "$data" --out "$runs/$name" --bf16 "$@"
}

# The mean of the weights of the first two runs is the third.
mean() {
    "$python" -m training.average "$runs/$1" "$runs/$2" --data "$data" --out "$runs/$3"
}

teacher() {
    train teacher --rate 2e-3 --weight-decay 0.05 --strength 0.9 --smoothing 0.05 --vote-share 0.45 \
        --epochs 26 --decay 0.5
}

case $size in
nano)
    # Base teaches: four changed copies of each face first, then ever new ones.
    "$python" -m training.released --model mini_xception_base.onnx --out "$runs/base_released" --data "$data"
    taught="--teacher $runs/base_released/best.pt"
    # Unquoted: several words.
    often="$taught --teacher-temperature 1.2 --teacher-share 0.7 --vote-share 0.25"
    train nano $often --rate 4e-3 --weight-decay 0.01 --strength 0.4 --copies 4 --average 0.9985 --epochs 72 --decay 0.62 --until 46
    learn_on nano_fresh nano $often --rate 2e-3 --weight-decay 0.02 --strength 0.55 --epochs 14 --decay 0.95 --seed 5 --until 11
    less="$taught --teacher-temperature 1.1 --teacher-share 0.6 --vote-share 0.2 --weight-decay 0.02 --strength 0.45"
    learn_on nano_other nano_fresh $less --rate 1.3e-3 --epochs 12 --decay 0.97 --seed 9 --until 5
    mean nano_fresh nano_other nano_middle
    learn_on nano_end nano_middle $less --consistency 2 --rate 1e-3 --epochs 8 --decay 0.95 --seed 21
    mean nano_middle nano_end nano_mean
    run=$runs/nano_mean
    # A mean has no epochs.
    drawn=$runs/nano_end
    ;;
base)
    teacher
    common="--rate 2e-3 --weight-decay 0.05"
    # Unquoted: several words.
    train base $common --strength 0.9 --dropout 0.2 --epochs 64 --decay 0.34 --until 34
    common="$common --epochs 64 --decay 0.34 --teacher $runs/teacher/best.pt --teacher-temperature 1.2"
    train base $common --strength 0.9 --dropout 0.2 --until 49
    train base $common --strength 0.6
    # The teacher learns on, and teaches base once more.
    train teacher --rate 2e-3 --weight-decay 0.05 --strength 0.4 --vote-share 0.45 --epochs 50 --decay 0.32
    train base --rate 2e-3 --weight-decay 0.05 --strength 0.5 --epochs 110 --decay 0.24 --int8 \
        --teacher "$runs/teacher/best.pt" --teacher-share 0.7 --teacher-temperature 1.2 --copies 4
    run=$runs/base_forked
    train_second --strength 0.7 --epochs 19 --decay 0.32
    train_second --strength 0.7 --dropout 0.1 --epochs 45 --decay 0.09 --until 30
    train_second --strength 0.5 --epochs 45 --decay 0.09 --until 41
    train_second --strength 0.5 --epochs 45 --decay 0.09 --together
    train_second --strength 0.7 --dropout 0.1 --epochs 88 --decay 0.34 --weight-decay 0.05 --average 0.999 --together
    train_second --strength 0.6 --epochs 96 --decay 0.09 --weight-decay 0.05 --average 0.999 --rate 2.5e-4 --together --int8
    # All of it, straight and mirrored; then closer to the faces and labels as they are, and the mean
    # of two runs that end near one another.
    weight_decay="--weight-decay 0.05"
    learn_on base_whole base_forked $weight_decay --rate 1e-3 --epochs 20 --decay 0.9 --average 0.999 --consistency 2 --strength 0.6 --seed 3
    learn_on base_more base_whole $weight_decay --rate 6e-4 --epochs 7 --decay 0.95 --consistency 2 --strength 0.6 --seed 11 --until 6
    mean base_whole base_more base_middle
    learn_on base_end base_middle $weight_decay --rate 5e-4 --epochs 5 --decay 0.95 --consistency 2 --strength 0.4 --vote-share 0.3 --seed 22
    learn_on base_other_end base_middle $weight_decay --rate 5e-4 --epochs 4 --decay 0.95 --consistency 2 --strength 0.5 --vote-share 0.2 --seed 31
    mean base_end base_other_end base_mean
    run=$runs/base_mean
    # A mean has no epochs.
    drawn=$runs/base_end
    ;;
*)
    echo "train.sh: no size \"$size\" (nano or base)" >&2
    exit 64
    ;;
esac
if [ -n "$negatives" ]; then
    "$python" -m training.not_a_face --run "$run" --negatives "$negatives" --data "$data" --epochs 2
fi
"$python" -m training.curves "${drawn:-$run}"
"$python" -m training.export --run "$run" --data "$data"
"$python" -m training.vectors network --model "mini_xception_$size.onnx" \
    --out "../tests/data/${size}_vectors.json"
