#!/bin/busybox sh
# The first program on the small computer. /disk/runs lists the runs, one "CONTENDER LIMIT SECONDS MODEL PROGRAM" per
# line. Each run has its own control group and a cold file cache. /disk/results keeps how the runs ended. Then the computer
# switches off.
/bin/busybox --install -s /bin
for module in /modules/*; do
    insmod "$module"
done
rm -r /modules
mount -t devtmpfs none /dev
mount -t ext4 /dev/vda /disk
mount -t devtmpfs none /disk/dev
mkdir /dev/shm
mount -t tmpfs none /disk/dev/shm
mount -t proc none /proc
mount -t proc none /disk/proc
mount -t sysfs none /disk/sys
mount -t cgroup2 none /groups
echo +memory >/groups/cgroup.subtree_control
cp /proc/meminfo /proc/version /disk/results
export HF_HUB_OFFLINE=1 PYTHONPATH=/project:/packages
while read -r name limit seconds model program; do
    echo "$name $limit"
    group=/groups/$name-$limit kept=/disk/results/$name-$limit
    mkdir "$group" "$kept"
    echo "$limit" >"$group/memory.max"
    echo 0 >"$group/memory.swap.max"
    sync
    echo 3 >/proc/sys/vm/drop_caches
    dmesg -c >/dev/null
    (
        echo 0 >"$group/cgroup.procs"
        exec timeout -s KILL "$seconds" chroot /disk /usr/bin/python3 "/project/benchmarks/$program" \
            "$name" "$model" /texts.json "/results/$name-$limit/vectors.npy" 2>"$kept/errors"
    )
    echo $? >"$kept/status"
    dmesg >"$kept/kernel"
    for figure in max swap.max peak events stat; do
        cp "$group/memory.$figure" "$kept"
    done
done </disk/runs
sync
poweroff -f
