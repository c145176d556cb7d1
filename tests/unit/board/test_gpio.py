"""The button's pin: our structures are the kernel's, and events are read as the kernel writes them."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest

from bridge.board import gpio
from bridge.board.gpio import ButtonLine, Change, NoButton, line_request, open_button

KERNELS_OWN = r"""
#include <linux/gpio.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
    struct gpio_v2_line_request request;
    memset(&request, 0, sizeof request);
    request.offsets[0] = 17;
    strcpy(request.consumer, "scanbridge");
    request.num_lines = 1;
    request.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW | GPIO_V2_LINE_FLAG_BIAS_PULL_UP |
                           GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
    request.config.num_attrs = 1;
    request.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
    request.config.attrs[0].attr.debounce_period_us = 20000;
    request.config.attrs[0].mask = 1;
    printf("%lu %lu %zu %zu %zu %d\n", (unsigned long)GPIO_GET_CHIPINFO_IOCTL, (unsigned long)GPIO_V2_GET_LINE_IOCTL,
           sizeof(struct gpiochip_info), sizeof(struct gpio_v2_line_event), offsetof(struct gpio_v2_line_event, id),
           GPIO_V2_LINE_EVENT_RISING_EDGE);
    printf("%zu\n", offsetof(struct gpio_v2_line_request, fd));
    fwrite(&request, sizeof request, 1, stdout);
    return 0;
}
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What the kernel's own header makes of the same: numbers, the place of the descriptor, and the whole request."""
    program = tmp_path_factory.mktemp("gpio") / "kernels"
    subprocess.run(["gcc", "-x", "c", "-", "-o", str(program)], input=KERNELS_OWN.encode(), check=True)
    return subprocess.run([str(program)], stdout=subprocess.PIPE, check=True).stdout.split(b"\n", 2)


def test_numbers_and_sizes_are_the_kernels(kernels: list[bytes]) -> None:
    """Both ioctls, the chip's description, and an event."""
    ours = (gpio.GET_CHIP_INFO, gpio.GET_LINE, gpio.CHIP_INFO.size, gpio.LINE_EVENT.size, 8, gpio.EVENT_RISING)

    assert tuple(int(word) for word in kernels[0].split()) == ours


def test_the_request_is_the_kernels(kernels: list[bytes]) -> None:
    """Byte for byte what C makes of the same wishes."""
    assert line_request(17) == kernels[2]
    assert int(kernels[1]) == gpio.LINE_REQUEST_SIZE - 4


def event(nanoseconds: int, kind: int) -> bytes:
    """A change of line 17 as the kernel writes it."""
    return struct.pack("=QIIII6I", nanoseconds, kind, 17, 1, 1, *[0] * 6)


def test_changes_are_read() -> None:
    """Down and up with their times; the line is active low, so rising means pressed."""
    reading, writing = os.pipe()
    os.write(writing, event(1_500_000_000, 1) + event(1_750_000_000, 2))
    line = ButtonLine(reading)

    assert list(line.read()) == [Change(True, 1.5), Change(False, 1.75)]

    line.close()
    os.close(writing)


def test_a_machine_without_pins(tmp_path: Path) -> None:
    """No chip, or one that is no GPIO chip, is told and not raised as something else."""
    with pytest.raises(NoButton, match="no GPIO header"):
        open_button(17, tmp_path)
    (tmp_path / "gpiochip0").touch()
    with pytest.raises(NoButton, match="GPIO 17 cannot be used"):
        open_button(17, tmp_path)
