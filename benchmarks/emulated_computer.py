"""A small computer that qemu emulates: Debian's Python and kernel, its first files, and its start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from results_folder import HERE

DOWNLOAD_SECONDS = 3600  # many times what Debian's packages take
ARCHIVE_SECONDS = 60
# The drivers of the disk, in the order in which they load.
DRIVERS = [
    "virtio",
    "virtio_ring",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
]


def emulated_python() -> Path:
    """Return Debian's Python for x86-64; its root folder also has the kernel and the drivers."""
    command = [str(HERE.parent / "scripts" / "emulated_python.sh"), "amd64", "max"]
    done = subprocess.run(
        command,
        cwd=HERE.parent,
        env={**os.environ, "PYTHON": sys.executable},
        check=True,
        stdout=subprocess.PIPE,
        timeout=DOWNLOAD_SECONDS,
    )
    return Path(os.fsdecode(done.stdout).strip())


def make_first_files(root: Path, folder: Path, archive: Path) -> None:
    """Write the archive that the kernel starts from: the first program and the drivers of the disk."""
    for name in ("bin", "dev", "disk", "groups", "modules", "proc"):
        (folder / name).mkdir(parents=True)
    shutil.copy2(root / "bin" / "busybox", folder / "bin")
    shutil.copyfile(HERE / "small_computer_init.sh", folder / "init")
    (folder / "init").chmod(0o755)
    for number, driver in enumerate(DRIVERS):
        (module,) = (root / "lib" / "modules").rglob(f"{driver}.ko")
        shutil.copy2(module, folder / "modules" / f"{number}.ko")
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    with archive.open("wb") as file:
        subprocess.run(
            ["cpio", "--create", "--format=newc", "--quiet"],
            input=names.encode(),
            stdout=file,
            cwd=folder,
            check=True,
            timeout=ARCHIVE_SECONDS,
        )


def boot(megabytes: int, kernel: Path, archive: Path, disk: Path, seconds: int) -> None:
    """Run the computer until it switches itself off, and print its console."""
    machine = ["-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(megabytes), "-nodefaults", "-no-reboot"]
    console = ["-display", "none", "-serial", "stdio"]
    start = ["-kernel", str(kernel), "-initrd", str(archive), "-append", "console=ttyS0 quiet panic=-1"]
    drive = ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
    command = ["qemu-system-x86_64", *machine, *console, *start, *drive]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise SystemExit(
            f"the computer with {megabytes} MB did not switch itself off in {seconds} s"
        ) from None
