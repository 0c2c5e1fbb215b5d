#!/bin/sh
# Run the tests on an installed wheel, away from the checkout.
#
#     scripts/test_elsewhere.sh PYTHON ENVIRONMENT WHEEL [REQUIREMENT ...]
#
# PYTHON makes ENVIRONMENT anew. The requirements pin the versions of the dependencies.
set -eu
python=$1 environment=$PWD/$2 wheel=$PWD/$3
shift 3
rm -rf "$environment"
"$python" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip
"$environment/bin/python" -m pip install --quiet --group test "$wheel" "$@"

elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
cp -r pyproject.toml mkdocs.yml README.md docs tests scripts examples "$elsewhere"
cd "$elsewhere"
"$environment/bin/python" - <<'CHECK'
import importlib.metadata, pathlib, platform
import m2v_lite
folder = pathlib.Path(m2v_lite.__file__).parent
assert "site-packages" in str(folder), folder
assert (folder / "py.typed").is_file()
assert len(list(folder.glob("bundled/*/LICENSE"))) == 1
versions = [f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "tokenizers", "huggingface_hub")]
print(f"m2v-lite {m2v_lite.__version__} from its wheel, Python {platform.python_version()},", ", ".join(versions))
CHECK
"$environment/bin/m2v-lite" similarity "a small board" "a tiny computer" "a loaf of bread"
"$environment/bin/python" -m pytest -q -n auto --dist worksteal tests
