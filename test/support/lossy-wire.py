"""A wire between two network namespaces that loses, delays and overtakes packets, for kernels without netem.

    lossy-wire.py NAMESPACE DEVICE NAMESPACE DEVICE LOSS_PERCENT DELAY_MS JITTER_MS SEED

Makes a TUN device in each namespace and says `ready`; the devices end with the process. Lines on standard input: `cut` lets
nothing pass, `heal` everything again; its end ends the wire. Each packet takes DELAY_MS and up to JITTER_MS more or less.
"""

import ctypes
import fcntl
import heapq
import os
import random
import selectors
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
CLONE_NEWNET = 0x40000000
PACKET_MAX = 65_536
# A wire that is far behind drops packets like any full queue.
QUEUE_MAX = 20_000


def open_tun(libc, namespace, device):
    """Opens a new TUN device in a namespace; the process stays there until it enters the next one."""
    inside = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(inside, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(inside)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def main():
    one_space, one_device, other_space, other_device = sys.argv[1:5]
    loss = float(sys.argv[5]) / 100
    delay, jitter = float(sys.argv[6]) / 1000, float(sys.argv[7]) / 1000
    chance = random.Random(int(sys.argv[8]))
    libc = ctypes.CDLL(None, use_errno=True)
    one = open_tun(libc, one_space, one_device)
    other = open_tun(libc, other_space, other_device)
    ends = {one: other, other: one}
    selector = selectors.DefaultSelector()
    for end in (one, other, sys.stdin.fileno()):
        selector.register(end, selectors.EVENT_READ)
    print("ready", flush=True)
    queue = []
    order = 0
    cut = False
    while True:
        now = time.monotonic()
        while queue and queue[0][0] <= now:
            _, _, end, packet = heapq.heappop(queue)
            if not cut:
                try:
                    os.write(end, packet)
                except OSError:
                    pass  # the device is down
        for key, _ in selector.select(queue[0][0] - now if queue else None):
            if key.fd == sys.stdin.fileno():
                words = os.read(key.fd, 4096).decode().split()
                if not words:
                    return
                cut = words[-1] == "cut"
                continue
            try:
                packet = os.read(key.fd, PACKET_MAX)
            except OSError:
                continue
            if cut or chance.random() < loss or len(queue) >= QUEUE_MAX:
                continue
            at = time.monotonic() + max(0, delay + chance.uniform(-jitter, jitter))
            heapq.heappush(queue, (at, order, ends[key.fd], packet))
            order += 1


main()
