import pytest

from tasks.sizing.state import ZERO_PAPER, Counts, Stage, state_terms, widths_of
from tasks.sizing.terms import Term, in_bytes, short, total


@pytest.mark.parametrize(
    ("stage", "gigabytes"), [(0, "120 GB"), (1, "31.4 GB"), (2, "16.6 GB"), (3, "1.88 GB")]
)
def test_the_zero_papers_table_for_7_5_billion_parameters_on_64_gpus(
    stage: Stage, gigabytes: str
) -> None:
    """Rajbhandari et al. 2020, figure 1: 120, 31.4, 16.6 and 1.9 GB."""
    counts = Counts(held=7_500_000_000, trained=7_500_000_000)
    terms = state_terms(counts, ZERO_PAPER, stage, num_shards=64)
    assert in_bytes(total(terms)) == gigabytes
    assert round(total(terms) / 1e9, 1) == {0: 120.0, 1: 31.4, 2: 16.6, 3: 1.9}[stage]


def test_every_term_shows_its_formula_with_the_values() -> None:
    terms = state_terms(Counts(22_700_000, 10_600_000), widths_of("fp32"), 3, num_shards=8)
    assert terms == [
        Term("parameters", 11_350_000, "4 B x 22.7 M / 8"),
        Term("gradients", 5_300_000, "4 B x 10.6 M / 8"),
        Term("optimizer state", 10_600_000, "8 B x 10.6 M / 8"),
    ]


def test_half_precision_halves_all_of_it_and_autocast_nothing() -> None:
    counts = Counts(1000, 1000)
    sizes = {
        precision: total(state_terms(counts, widths_of(precision), 0, 1))
        for precision in ("fp32", "bf16-mixed", "bf16-true")
    }
    assert sizes == {"fp32": 16_000, "bf16-mixed": 16_000, "bf16-true": 8_000}


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (12, "12"), (1_234, "1.23 k"), (6.6e9, "6.6 G"), (2e13, "20 T")]
)
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text
