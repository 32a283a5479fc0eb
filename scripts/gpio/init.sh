#!/bin/busybox sh
# The first program of the machine in which npm run test:gpio runs the edge agent: makes a GPIO chip, starts the test, switches off.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
for module in /modules/*.ko; do insmod "$module" || echo "no module $module"; done
if [ -b /dev/vda ]; then mount -t ext4 /dev/vda /data; else mount -t tmpfs -o size=128m none /data; fi
mount -t configfs none /sys/kernel/config
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
bank=/sys/kernel/config/gpio-sim/board/bank
mkdir -p "$bank"
echo 54 > "$bank/num_lines"
echo pinctrl-bcm2711 > "$bank/label"
# A line that belongs to something else.
mkdir -p "$bank/line5/hog"
echo other-device > "$bank/line5/hog/name"
echo output-low > "$bank/line5/hog/direction"
echo 1 > /sys/kernel/config/gpio-sim/board/live
# The word on the kernel's command line that says what is wanted is in the environment of its first program.
export guest
node /guest/guest.mjs
poweroff -f
