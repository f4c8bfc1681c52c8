import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.strategies import examples

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.steps import MAX_MICRO_STEP, MICRO, format_step, from_micro_steps, shown_step, to_micro_steps


def test_decimal_fractions_that_are_equal_are_the_same_step():
    assert to_micro_steps(0.1 + 0.2) == to_micro_steps(0.3) == 300_000


@pytest.mark.parametrize(
    ("step", "micro"),
    [
        (0, 0),
        (-0.0, 0),
        (7, 7 * MICRO),
        (True, MICRO),
        (1.5, 1_500_000),
        (4e-7, 0),
        (6e-7, 1),
        (10**12 - 1, (10**12 - 1) * MICRO),
        (Decimal("0.3"), 300_000),
        (Decimal("999999999999.999999"), MAX_MICRO_STEP),
        (Decimal("123456789012.345678"), 123_456_789_012_345_678),
        (Fraction(1, 3), 333_333),
        (np.int64(3), 3 * MICRO),
        (np.uint8(3), 3 * MICRO),
        (np.float32(0.5), 500_000),
        (np.float64(0.1), 100_000),
        (np.array(4), 4 * MICRO),
        (np.array(4.25), 4_250_000),
    ],
)
def test_numbers_become_micro_steps(step, micro):
    assert micro == to_micro_steps(step)


def test_tensors_are_steps():
    torch = pytest.importorskip("torch")

    assert [to_micro_steps(torch.tensor(3)), to_micro_steps(torch.tensor([2.5]))] == [3_000_000, 2_500_000]


@pytest.mark.parametrize("step", [-1, -1e-6, 10**12, 1e12, 1e300, -1e308, Decimal(10) ** 12, Fraction(10**13), 10**40])
def test_a_step_out_of_range_is_refused_with_its_value(step):
    with pytest.raises(ArgumentError, match=re.escape("step must satisfy 0 <= step < 1e12, found ")):
        to_micro_steps(step)


@pytest.mark.parametrize(
    "step", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("Infinity"), Decimal("1e999999"), np.float32("nan")]
)
def test_a_step_that_is_not_finite_is_refused(step):
    with pytest.raises(ArgumentError, match="step must be a finite number, found "):
        to_micro_steps(step)


class _Refuses:
    def __index__(self):
        raise RuntimeError("not now")


@pytest.mark.parametrize("step", ["5", b"5", None, [], {}, 1j, object(), np.array([1, 2]), np.str_("5"), _Refuses()])
def test_a_step_that_is_no_number_is_a_type_error_with_its_value(step):
    with pytest.raises(ArgumentTypeError, match="step must be (a|one) number, found ") as caught:
        to_micro_steps(step)

    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TypeError)


def test_the_argument_that_was_wrong_is_named():
    with pytest.raises(ArgumentError, match="^fork_step must satisfy 0 <= fork_step < 1e12, found -1"):
        to_micro_steps(-1, "fork_step")


@given(st.integers(0, MAX_MICRO_STEP))
def test_text_of_a_step_is_exact(micro):
    assert micro == to_micro_steps(Decimal(format_step(micro)))


@given(st.integers(0, 2**52))
def test_a_step_reads_back_as_the_number_that_was_logged(micro):
    assert micro == to_micro_steps(from_micro_steps(micro))


@given(st.decimals(0, 2**32, places=6))
def test_floats_nearest_to_a_decimal_are_that_decimal(step):
    assert to_micro_steps(step) == to_micro_steps(float(step))


def exactly(step):
    """Return a step as a fraction of what it stands for: of a float the shortest decimal that reads back as it."""
    return Fraction(repr(step)) if isinstance(step, float) else Fraction(step)


ANY_STEP = (
    st.floats(0, 1e12, exclude_max=True)
    | st.floats(0, 1e4)
    | st.decimals(0, 999_999_999_999, places=9)
    | st.fractions(0, 10**12 - 1)
    | st.integers(0, 10**12 - 1)
)


def test_any_step_is_held_to_the_nearest_millionth(tried):
    seen = []

    @examples(300)
    @given(ANY_STEP, ANY_STEP)
    @example(Fraction(65645771359, 1418), 0)
    def holds(one, other):
        try:
            first, second = to_micro_steps(one), to_micro_steps(other)
        except ArgumentError:
            assert max(exactly(one), exactly(other)) > 10**12 - Fraction(1, MICRO)
            return
        for step, micro in ((one, first), (other, second)):
            coarse = Fraction(math.ulp(float(step))) / 2  # a float may not hold the step any better
            assert abs(Fraction(micro, MICRO) - exactly(step)) <= Fraction(1, 2 * MICRO) + coarse
        if exactly(one) + Fraction(math.ulp(float(one))) < exactly(other):
            assert first <= second
        seen.append(1)

    holds()
    tried(
        "pairs of steps: ints, floats, decimals, fractions",
        times=len(seen),
        outcome="nearest millionth, in their order",
    )


@given(
    st.floats(max_value=-1e-6) | st.floats(min_value=1e12) | st.integers(max_value=-1) | st.integers(min_value=10**12)
)
def test_any_step_out_of_range_is_refused(step):
    with pytest.raises(ArgumentError, match="step must "):
        to_micro_steps(step)


def test_whole_steps_read_back_as_ints():
    assert [5, 0.5] == [from_micro_steps(5_000_000), from_micro_steps(500_000)]
    assert isinstance(from_micro_steps(5_000_000), int)


@given(st.integers(0, 10**12), st.integers(0, 999))
def test_tables_show_steps_to_a_thousandth_rounded_down(thousandths, behind):
    assert format_step(thousandths * 1000) == shown_step(thousandths * 1000 + behind)
