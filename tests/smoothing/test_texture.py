"""Frequencies and variation against closed forms: waves, constants, checks, white noise."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.smoothing.classifiers import DOUBLE

from genlab.smoothing.texture import high_frequency_share, relative_variation, total_variation, white_share


@settings(max_examples=40, deadline=None)
@given(down=st.integers(0, 8), right=st.integers(0, 8), cut=st.floats(0.05, 1.4), phase=st.floats(0, 3))
def test_a_wave_is_high_when_its_frequency_is_above_the_cut(down: int, right: int, cut: float, phase: float) -> None:
    y, x = torch.arange(16.0, dtype=DOUBLE)[:, None], torch.arange(16.0, dtype=DOUBLE)
    wave = torch.cos(2 * math.pi * (down * y + right * x) / 16 + phase)[None, None]
    frequency = math.hypot(down, right) / 16
    if float(wave.abs().max()) < 1e-6 or abs(frequency - cut / 2) < 1e-9:
        return
    assert float(high_frequency_share(wave, cut=cut)) == pytest.approx(float(frequency > cut / 2), abs=1e-9)


def test_channels_add_up_by_energy_and_scale_does_not_matter() -> None:
    x = torch.arange(8.0, dtype=DOUBLE).expand(8, 8)
    slow, fast = torch.cos(2 * math.pi * x / 8), torch.cos(math.pi * x) / math.sqrt(2)  # of equal energy
    both = torch.stack([slow, fast])[None]
    assert float(high_frequency_share(both)) == pytest.approx(0.5)
    assert float(high_frequency_share(7 * both)) == pytest.approx(0.5)
    assert float(high_frequency_share(torch.stack([slow + fast, 0 * slow])[None])) == pytest.approx(0.5)


def test_white_noise_has_its_share_and_its_variation() -> None:
    noise = torch.randn(400, 1, 16, 20, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    shares = high_frequency_share(noise)
    assert float(shares.mean()) == pytest.approx(white_share(16, 20), abs=5 * float(shares.std()) / 20)
    # E|a - b| = 2 / sqrt(pi) and E|a| = sqrt(2 / pi), at 15 x 20 and 16 x 19 neighbours of 16 x 20 pixels
    expected = math.sqrt(2) * (15 * 20 + 16 * 19) / (16 * 20)
    found = relative_variation(noise)
    assert float(found.mean()) == pytest.approx(expected, abs=5 * float(found.std()) / 20)


def test_no_change_has_no_share_and_a_constant_has_no_variation() -> None:
    nothing = torch.zeros(1, 3, 4, 4)
    assert high_frequency_share(nothing).isnan().all()
    assert relative_variation(nothing).isnan().all()
    assert total_variation(nothing + 3).item() == 0
    assert high_frequency_share(nothing + 3).item() == 0


def test_the_variation_of_stripes_checks_and_a_patch_is_counted_by_hand() -> None:
    stripes = (torch.arange(6) % 2).float().expand(2, 4, 6)[None]  # 2 channels, 4 rows of 5 steps
    assert total_variation(stripes).item() == 2 * 4 * 5
    checks = ((torch.arange(4)[:, None] + torch.arange(6)) % 2).float()[None, None]
    assert total_variation(checks).item() == 4 * 5 + 3 * 6
    assert relative_variation(checks).item() == pytest.approx((4 * 5 + 3 * 6) / 12)
    patch = torch.zeros(1, 1, 6, 6)
    patch[..., 2:4, 1:4] = 2  # 2 by 3: a border of 10 sides of height 2
    assert total_variation(patch).item() == 20
    assert relative_variation(patch).item() == pytest.approx(20 / 12)


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match="high_frequency_share wants images"):
        high_frequency_share(torch.zeros(4, 4))
    with pytest.raises(ValueError, match="total_variation wants images"):
        total_variation(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
    with pytest.raises(ValueError, match="a share of Nyquist's frequency above 0, got 0"):
        high_frequency_share(torch.zeros(1, 1, 4, 4), cut=0)
