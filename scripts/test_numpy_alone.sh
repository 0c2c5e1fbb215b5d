#!/bin/sh
# Run tests/numpy_alone.py on an installed wheel, in an environment that has numpy and nothing else.
#
#     scripts/test_numpy_alone.sh PYTHON ENVIRONMENT WHEEL [FOLDER]
#
# PYTHON makes ENVIRONMENT anew. FOLDER holds real models.
set -eu
python=$1 environment=$PWD/$2 wheel=$PWD/$3
shift 3
rm -rf "$environment"
"$python" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check numpy
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$wheel"

elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
cp -r tests "$elsewhere"
cd "$elsewhere"
"$environment/bin/m2v-lite" similarity "a small board" "a tiny computer"
"$environment/bin/python" tests/numpy_alone.py "$@"
