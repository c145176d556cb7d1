#!/usr/bin/python3
"""A USB scanner without a scanner: runs as root on a machine with the kernel's modules dummy_hcd and usb_f_fs.

The kernel's own gadget side presents it on a host controller that has no wire (dummy_hcd), so enumeration, udev, libusb
and the driver are the real ones. What is emulated is a Samsung SCX-4x20: the protocol of SANE's backend xerox_mfp, as
far as that backend uses it. It is plugged in when this program starts and out when it ends; the program says `plugged`
when the kernel has configured it.

    scanner_device.py [--block-seconds S] [--at-block N (jam | cover | silence)] [--pages N]

A block is what the driver reads at once, 60,000 bytes; a fault comes once, and after it all is well again.
"""

from __future__ import annotations

import argparse
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

VENDOR, PRODUCT, SERIAL = "0x04e8", "0x3412", "EMULATED-1"
GADGET = Path("/sys/kernel/config/usb_gadget/scanner")
ENDPOINTS = Path("/run/emulated-scanner")
CONTROLLER = "dummy_udc.0"

UNITS_PER_INCH = 1200
WIDTH, HEIGHT = int(8.5 * UNITS_PER_INCH), int(11.69 * UNITS_PER_INCH)
RESOLUTIONS = {0: 75, 2: 150, 5: 300, 7: 600, 8: 1200, 9: 200, 10: 100}
"""What the code of a resolution in SET_WINDOW means."""
RESOLUTION_BITS = 0b1100100110011
"""The same as INQUIRY lists it: 75, 100, 150, 200, 300, 600 and 1200 dpi, each at its own bit."""
BLOCK_BYTES = 60000
PACKET_BYTES = 512

MODES = {"lineart": 1, "gray": 3, "color": 5}
FEEDER = 0x20

INQUIRY, SET_WINDOW, READ, READ_IMAGE, OBJECT_POSITION = 0x12, 0x24, 0x28, 0x29, 0x31
GOOD, CHECK = 0, 2
STATES = {"no paper": 0x10, "jam": 0x20, "cover": 0x40}


class Scanner:
    """The device's side of the protocol: a command in, an answer out, None for no answer at all."""

    def __init__(self, block_seconds: float, fault_at: int | None, fault: str, pages: int) -> None:
        self._block_seconds = block_seconds
        self._fault_at = fault_at
        self._fault = fault
        self._pages = self._left = pages
        self._block = 0
        self._resolution, self._mode, self._source = 75, MODES["gray"], 0
        self._size = (0, 0)

    def answer(self, command: bytes) -> bytes | None:
        """What follows a command."""
        if len(command) < 3:
            return _reply()
        kind = command[2]
        if kind == INQUIRY:
            return self._inquiry()
        if kind == SET_WINDOW:
            self._size = struct.unpack(">II", command[5:13])
            self._resolution, self._mode, self._source = RESOLUTIONS[command[13]], command[0x13], command[0x17]
            self._block = 0
        elif kind == OBJECT_POSITION:
            return self._load()
        elif kind == READ:
            return self._announce()
        elif kind == READ_IMAGE:
            return self._image()
        return _reply()

    def _inquiry(self) -> bytes:
        told = bytearray(70)
        told[0], told[2], told[3] = 0xA8, 67, 0x10
        told[4:36] = b"Samsung SCX-4x20 emulated".ljust(32)
        struct.pack_into(">H", told, 0x24, RESOLUTION_BITS)
        told[0x26], told[0x27] = 3, 0x2B  # what it can compose, and in which documents
        struct.pack_into(">II", told, 0x28, WIDTH, HEIGHT)
        told[0x35] = 2 if self._left else 0
        struct.pack_into(">II", told, 0x38, HEIGHT, HEIGHT)
        return bytes(told)

    def _load(self) -> bytes:
        self._block = 0
        if self._source == FEEDER:
            if not self._left:
                self._left = self._pages
                return _reply(CHECK, "no paper")
            self._left -= 1
        return _reply()

    def _announce(self) -> bytes | None:
        if self._fault_at == self._block:
            self._fault_at = None
            return None if self._fault == "silence" else _reply(CHECK, self._fault)
        lines, line_bytes, size = self._next()
        told = bytearray(_reply())
        told[3] = 0x81 if self._is_last() else 0x80
        across = line_bytes // 3 if self._mode == MODES["color"] else line_bytes
        struct.pack_into(">IHH", told, 4, size, lines, across)
        return bytes(told)

    def _image(self) -> bytes:
        lines, line_bytes, size = self._next()
        first = self._block * self._lines_per_block()
        self._block += 1
        time.sleep(self._block_seconds)
        rows = b"".join(_row(first + line, line_bytes) for line in range(lines))
        return rows.ljust(size, b"\0")

    def _next(self) -> tuple[int, int, int]:
        """Lines of the next block, bytes of each, bytes in all: never whole packets, so that its end is seen."""
        height = self._size[1] * self._resolution // UNITS_PER_INCH
        lines = min(self._lines_per_block(), height - self._block * self._lines_per_block())
        size = lines * self._line_bytes() + 16
        return lines, self._line_bytes(), size if size % PACKET_BYTES else size + 16

    def _is_last(self) -> bool:
        height = self._size[1] * self._resolution // UNITS_PER_INCH
        return (self._block + 1) * self._lines_per_block() >= height

    def _lines_per_block(self) -> int:
        return max(1, BLOCK_BYTES // self._line_bytes())

    def _line_bytes(self) -> int:
        pixels = self._size[0] * self._resolution // UNITS_PER_INCH
        return {MODES["lineart"]: (pixels + 7) // 8, MODES["color"]: pixels * 3}.get(self._mode, pixels)


def _reply(status: int = GOOD, state: str = "") -> bytes:
    told = bytearray(32)
    told[0], told[1], told[2], told[3] = 0xA8, status, 29, 0x20 if state else 0
    struct.pack_into(">H", told, 12, STATES.get(state, 0))
    return bytes(told)


def _row(number: int, size: int) -> bytes:
    """Bands of a ramp across and of a ramp down, so that a page that is cut, shifted or turned looks different."""
    if number // 64 % 2:
        return bytes([number >> 2 & 255]) * size
    return bytes(column * 255 // size for column in range(size))


class Plug:
    """The scanner on the bus. A context: it is plugged in as long as that lasts."""

    def __enter__(self) -> Plug:
        for module in ("dummy_hcd", "libcomposite", "usb_f_fs"):
            subprocess.run(["modprobe", module], check=True)
        if not GADGET.parent.exists():
            subprocess.run(["mount", "-t", "configfs", "none", "/sys/kernel/config"], check=True)
        _remove()
        (GADGET / "strings/0x409").mkdir(parents=True)
        (GADGET / "configs/c.1").mkdir()
        (GADGET / "functions/ffs.scanner").mkdir()
        (GADGET / "configs/c.1/ffs.scanner").symlink_to(GADGET / "functions/ffs.scanner")
        for name, text in {
            "idVendor": VENDOR,
            "idProduct": PRODUCT,
            "strings/0x409/serialnumber": SERIAL,
            "strings/0x409/manufacturer": "Samsung",
            "strings/0x409/product": "SCX-4x20",
        }.items():
            (GADGET / name).write_text(text)
        ENDPOINTS.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "functionfs", "scanner", str(ENDPOINTS)], check=True)
        self._control = os.open(ENDPOINTS / "ep0", os.O_RDWR)
        os.write(self._control, _descriptors())
        os.write(self._control, struct.pack("<IIII", 2, 16, 0, 0))  # no strings of its own
        self._enabled = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        (GADGET / "UDC").write_text(CONTROLLER)
        return self

    def __exit__(self, *exception: object) -> None:
        (GADGET / "UDC").write_text("\n")

    def serve(self, scanner: Scanner) -> None:
        """Answer the host's commands."""
        self._enabled.wait()
        print("plugged", flush=True)
        commands = os.open(ENDPOINTS / "ep1", os.O_RDONLY)
        answers = os.open(ENDPOINTS / "ep2", os.O_WRONLY)
        while True:
            try:
                answer = scanner.answer(os.read(commands, PACKET_BYTES))
                if answer is not None:
                    os.write(answers, answer)
            except OSError as error:
                # The host has reset the device, or gone: all begins anew with the next configuration.
                print(f"the host is gone: {error}", flush=True)
                time.sleep(0.05)
                self._enabled.wait()

    def _watch(self) -> None:
        while True:
            kind = os.read(self._control, 12)
            if kind[8] == 2:
                self._enabled.set()
            elif kind[8] == 3:
                self._enabled.clear()
            elif kind[8] == 4:  # a request that nobody here knows is refused by touching it from the wrong side
                try:
                    os.read(self._control, 0) if kind[0] & 0x80 else os.write(self._control, b"")
                except OSError:
                    pass


def _descriptors() -> bytes:
    """FunctionFS's header, then one interface with a bulk endpoint each way, for full and for high speed."""
    speeds = b"".join(
        struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 2, 0xFF, 0, 0, 0)
        + struct.pack("<BBBBHB", 7, 5, 0x01, 2, packet, 0)
        + struct.pack("<BBBBHB", 7, 5, 0x82, 2, packet, 0)
        for packet in (64, PACKET_BYTES)
    )
    return struct.pack("<IIIII", 3, 20 + len(speeds), 3, 3, 3) + speeds


def _remove() -> None:
    """Take away what an earlier run has left."""
    if ENDPOINTS.is_mount():
        subprocess.run(["umount", str(ENDPOINTS)], check=True)
    if GADGET.exists():
        (GADGET / "configs/c.1/ffs.scanner").unlink(missing_ok=True)
        for name in ("configs/c.1", "functions/ffs.scanner", "strings/0x409", "."):
            if (GADGET / name).exists():
                (GADGET / name).rmdir()


def main() -> None:
    """Plug it in until SIGTERM."""
    parser = argparse.ArgumentParser(description="an emulated USB scanner")
    parser.add_argument("--block-seconds", type=float, default=0.0)
    parser.add_argument("--at-block", nargs=2, metavar=("N", "FAULT"))
    parser.add_argument("--pages", type=int, default=3)
    told = parser.parse_args()
    at, fault = told.at_block or (None, "")
    if fault not in ("", "jam", "cover", "silence"):
        parser.error(f"no such fault: {fault}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with Plug() as plug:
        plug.serve(Scanner(told.block_seconds, None if at is None else int(at), fault, told.pages))


if __name__ == "__main__":
    main()
