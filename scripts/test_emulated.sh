#!/bin/sh
# Run tests of the checkout on an emulated processor.
#
#     scripts/test_emulated.sh ARCHITECTURE CPU numpy-alone|pytest [ARGUMENT ...]
#
# numpy-alone runs tests/numpy_alone.py with the arguments, pytest runs the tests. The results hold for a real
# board; times and memory do not.
set -eu
architecture=$1 cpu=$2 what=$3
shift 3
kept=${EMULATED:-$PWD/.emulated}
emulated=$(scripts/emulated_python.sh "$architecture" "$cpu")
export PYTHONPATH="$PWD:$kept/numpy/$architecture" PYTHONDONTWRITEBYTECODE=1
echo "$cpu ($architecture):"
case $what in
numpy-alone) "$emulated" tests/numpy_alone.py "$@" ;;
pytest)
    PYTHONPATH="$PYTHONPATH:$kept/tools/$architecture"
    # Leave out the tests of the benchmarks, as valgrind cannot look into an emulated program. Also leave out
    # the test of advice to the kernel, as qemu does not pass the advice on.
    "$emulated" -m pytest -q -p no:cacheprovider --benchmark-disable --hypothesis-profile=emulated \
        --ignore=tests/test_benchmarks.py \
        --deselect=tests/embedding/test_read_ahead.py::test_the_kernel_has_the_advice "$@"
    ;;
esac
