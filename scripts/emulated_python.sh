#!/bin/sh
# Set up Debian 12's Python for another processor, to run here under emulation, and print its path.
#
#     scripts/emulated_python.sh arm64|armhf|armel|amd64 CPU
#
# .emulated/ keeps the downloads. root/ARCHITECTURE has Debian's Python, and for armhf and armel also Debian's
# numpy. numpy/arm64 has numpy from the registry. tools/ARCHITECTURE has the packages that the tests need (not
# for armel, the stand-in for armv6). amd64 is for benchmarks/small_computer.py: its root also has a kernel,
# and tools/amd64 has the peers. apt chooses the Debian mirror, pip the registry.
# The path leads to a shell script of the host, so that this Python can also start itself by sys.executable.
set -eu
architecture=$1 cpu=$2
folder=${EMULATED:-$PWD/.emulated}
python=${PYTHON:-python3} # its pip must know --group
root=$folder/root/$architecture

needed="qemu-user-static mmdebstrap arch-test" commands="qemu-aarch64-static mmdebstrap arch-test"
if [ "$architecture" = amd64 ]; then
    needed="$needed qemu-system-x86 e2fsprogs cpio" commands="$commands qemu-system-x86_64 mke2fs debugfs cpio"
fi
missing=
for command in $commands; do
    command -v "$command" >/dev/null || missing="$missing $command"
done
if [ "$missing" ]; then
    [ "$(id -u)" = 0 ] || { echo "install $needed, or run this as root" >&2; exit 1; }
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends $needed; } >&2
fi

# Make folder $1 with a command, completely or not at all.
make_whole() {
    wanted=$1
    shift
    [ ! -d "$wanted" ] || return 0
    mkdir -p "$(dirname "$wanted")"
    rm -rf "$wanted.part"
    "$@" "$wanted.part" >&2
    mv "$wanted.part" "$wanted"
}

debian_root() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Origin: Debian" | head -n 1)
    packages=python3-minimal,libpython3-stdlib,libgcc-s1,libstdc++6,zlib1g
    case $architecture in
    # The registry has no 32-bit wheels of numpy and PyYAML.
    armhf | armel) packages=$packages,python3-numpy,python3-yaml ;;
    amd64) packages=$packages,busybox-static,linux-image-cloud-amd64 ;;
    esac
    mmdebstrap --quiet --variant=extract --architectures="$architecture" --include="$packages" \
        bookworm "$1" "${mirror:?apt knows no Debian mirror}"
    # Debian makes these links with scripts, which mmdebstrap does not run here.
    for library in "$1"/usr/lib/*/blas/libblas.so.3 "$1"/usr/lib/*/lapack/liblapack.so.3; do
        [ ! -e "$library" ] || ln -sr "$library" "$(dirname "$(dirname "$library")")/"
    done
}

# pip does not expand platform tags, so name them all.
wheels() {
    machine=$1
    shift
    for glibc in 2_17 2_27 2_28 2_31; do
        set -- --platform "manylinux_${glibc}_$machine" "$@"
    done
    "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
        --python-version 3.11 --only-binary=:all: --platform "manylinux2014_$machine" "$@"
}

amd64_tools() { wheels x86_64 --group peers --target "$1"; }
arm64_numpy() { wheels aarch64 --no-deps numpy --target "$1"; }
arm64_tools() { wheels aarch64 tokenizers huggingface_hub --group test --target "$1"; }
armhf_tools() {
    # The same versions, except for packages without a wheel: Debian has numpy and PyYAML, hf_xet is optional.
    wheels armv7l --no-deps --target "$1" \
        $("$python" -m pip freeze --path "$folder/tools/arm64" | grep -viE '^(numpy|pyyaml|hf[-_]xet)==')
}

make_whole "$root" debian_root
case $architecture in
amd64) make_whole "$folder/tools/amd64" amd64_tools ;;
arm64)
    make_whole "$folder/numpy/arm64" arm64_numpy
    make_whole "$folder/tools/arm64" arm64_tools
    ;;
armhf)
    make_whole "$folder/tools/arm64" arm64_tools
    make_whole "$folder/tools/armhf" armhf_tools
    ;;
esac

emulated=$root/usr/bin/python-$cpu
case $architecture in
amd64) qemu=qemu-x86_64-static ;;
arm64) qemu=qemu-aarch64-static ;;
*) qemu=qemu-arm-static ;;
esac
cat >"$emulated" <<SCRIPT
#!/bin/sh
exec $qemu -cpu $cpu -L '$root' -0 "\$0" '$root/usr/bin/python3' "\$@"
SCRIPT
chmod +x "$emulated"
echo "$emulated"
