"""The comparison of pages tells an honest compression from every flaw that it has to find."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.interop.comparison import (
    CHANNEL_LIMIT,
    EDGE_LIMIT,
    LUMA_LIMIT,
    DifferentPage,
    Page,
    assert_same_page,
    difference,
    page_of,
)
from tests.interop.conftest import Originals

pytestmark = pytest.mark.interop

MODES = pytest.mark.parametrize("mode", ["Color", "Gray"])
RESOLUTION = 75


def compressed(page: Page, quality: int = 85) -> Page:
    """`page` after a JPEG of Pillow's, with colour at half the resolution."""
    file = io.BytesIO()
    Image.fromarray(page[:, :, 0] if page.shape[2] == 1 else page).save(file, "JPEG", quality=quality, subsampling=2)
    with Image.open(file) as image:
        return page_of(image)


def one_line_lost(page: Page, above_end: int) -> Page:
    """`page` without one line, its last line twice."""
    lost = page.shape[0] - above_end
    return np.concatenate([page[:lost], page[lost + 1 :], page[-1:]])


def channel_slipped(page: Page, channel: int) -> Page:
    """`page` with one channel a line lower."""
    slipped = page.copy()
    slipped[1:, :, channel] = page[:-1, :, channel]
    return slipped


def white_edge(page: Page, place: tuple[slice | int, ...]) -> Page:
    """`page` with one line or column white."""
    changed = page.copy()
    changed[place] = 255
    return changed


@MODES
@pytest.mark.parametrize("quality", [75, 85, 95])
def test_a_compressed_page_is_the_same_by_a_wide_margin(originals: Originals, mode: str, quality: int) -> None:
    """What a JPEG of ordinary quality changes is far below each limit."""
    original = originals(mode, RESOLUTION)
    found = difference(compressed(original, quality), original)
    assert found.luma < LUMA_LIMIT * 0.65
    assert found.edge < EDGE_LIMIT * 0.65
    assert max(found.channels) < CHANNEL_LIMIT * 0.65


@MODES
@pytest.mark.parametrize("shift", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_shift_by_one_line_or_pixel_is_far_over_the_limit(
    originals: Originals, mode: str, shift: tuple[int, int]
) -> None:
    """A page that is one line or one pixel off differs by more than twice the limit."""
    original = originals(mode, RESOLUTION)
    found = difference(np.roll(compressed(original), shift, (0, 1)), original)
    assert found.luma > LUMA_LIMIT * 2
    assert not found.same


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 0, 1)])
def test_swapped_channels_are_far_over_the_limit(originals: Originals, order: tuple[int, ...]) -> None:
    """A page whose channels are in another order differs by more than four times the limit."""
    original = originals("Color", RESOLUTION)
    found = difference(compressed(original)[:, :, order], original)
    assert max(found.channels) > CHANNEL_LIMIT * 4
    assert not found.same


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_channel_that_slips_by_a_line_is_noticed(originals: Originals, channel: int) -> None:
    """One channel a line lower than the others makes another page."""
    original = originals("Color", RESOLUTION)
    found = difference(channel_slipped(compressed(original), channel), original)
    assert found.channels[channel] > CHANNEL_LIMIT * 1.4


@MODES
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda page: one_line_lost(page, 40), id="line lost near the end"),
        pytest.param(lambda page: one_line_lost(page, 500), id="line lost in the middle"),
        pytest.param(lambda page: white_edge(page, (0,)), id="first line white"),
        pytest.param(lambda page: white_edge(page, (-1,)), id="last line white"),
        pytest.param(lambda page: white_edge(page, (slice(None), -1)), id="last column white"),
    ],
)
def test_a_flaw_in_a_small_part_is_noticed(originals: Originals, mode: str, spoil: Callable[[Page], Page]) -> None:
    """What is wrong with a few lines is not averaged away."""
    original = originals(mode, RESOLUTION)
    with pytest.raises(DifferentPage, match="the pages differ"):
        assert_same_page(spoil(compressed(original)), original)


@MODES
def test_another_size_is_another_page(originals: Originals, mode: str) -> None:
    """A page with a line or a column less, or with other channels, is named as such."""
    original = originals(mode, RESOLUTION)
    for page in (original[:-1], original[:, :-1], np.concatenate([original, original], axis=2)):
        with pytest.raises(DifferentPage, match=r"the page is \d+ x \d+ pixels with \d channels instead of"):
            difference(page, original)


def test_a_small_page_is_compared_as_a_whole() -> None:
    """A page smaller than a band has one band, and every line of a page belongs to one."""
    rng = np.random.default_rng(7)
    small = rng.integers(0, 256, (12, 20, 3), dtype=np.uint8)
    assert_same_page(small, small)
    odd = np.zeros((64 * 2 + 3, 70, 1), dtype=np.uint8)
    spoilt = odd.copy()
    spoilt[-3:] = 255
    assert difference(spoilt, odd).luma == pytest.approx(255 * 3 / 64)
