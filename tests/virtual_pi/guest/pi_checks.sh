# Runs in an emulated Raspberry Pi, as root: the lights through rppal, seen in the registers of the modelled BCM283x.

. ./common.sh

# There is no shared folder: the host reads the console.
report() { echo "RESULT $1|$2|$3"; }

model=$(tr -d '\0' </proc/device-tree/model)
case $model in
  *"Pi 3"*) base=0x3f200000 ;;
  *"Pi 4"*) base=0xfe200000 ;;
esac

# GPFSEL: three bits a line, 1 is an output. GPLEV0: the levels of lines 0 to 31.
function_of() { echo $((($(devmem $((base + 4 * ($1 / 10))) 32) >> (3 * ($1 % 10))) & 7)); }
gplev0() { devmem $((base + 0x34)) 32; }
level_of() { echo $((($(gplev0) >> $1) & 1)); }

# The lines of the sample configuration: angry 17, disgust 27, fear 22, happy 5, sad 6, surprise 13, neutral 26.
lights() { for line in 17 27 22 5 6 13 26; do printf '%s ' "$(level_of $line)"; done; }
one_is_lit() { seen=$(lights) && [ "$(echo "$seen" | tr -d ' 0')" = 1 ]; }
none_is_lit() { [ "$(lights | tr -d ' 0')" = "" ]; }
functions() { for line in 17 27 22 5 6 13 26; do printf '%s ' "$(function_of $line)"; done; }

report "the device tree names the board" ok "$model"
cat >/tmp/visaged.toml <<END
[camera]
source = "puppet"
width = 320
height = 240
frames_per_second = 2

[leds]
driver = "rppal"
END
visaged --verbose run --config /tmp/visaged.toml 2>/tmp/log &
visaged=$!
if within 120 one_is_lit; then
  report "rppal: one LED is lit in the register GPLEV0" ok "lines ${seen% }, $(grep 'face [0-9]* at' /tmp/log | tail -n 1 | sed 's/^\[[^]]*\] //')"
else
  report "rppal: one LED is lit in the register GPLEV0" FAIL "GPLEV0 $(gplev0), $(tail -n 2 /tmp/log | tr '\n' ' ')"
fi
[ "$(functions)" = "1 1 1 1 1 1 1 " ] && result=ok || result=FAIL
report "rppal: the lines are outputs in the registers GPFSEL" $result "$(functions)"
kill -KILL $visaged
wait $visaged
if one_is_lit; then report "SIGKILL: the line keeps its level" ok "GPLEV0 $(gplev0)"; else report "SIGKILL: the line keeps its level" FAIL "GPLEV0 $(gplev0)"; fi
visaged lights-off --config /tmp/visaged.toml
if none_is_lit; then report "lights-off through rppal: dark" ok "GPLEV0 $(gplev0)"; else report "lights-off through rppal: dark" FAIL "GPLEV0 $(gplev0)"; fi
echo "RESULT finished"
