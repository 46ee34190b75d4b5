"""What is masked in texts, and what is left alone."""

import random
import re
from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

from tasks.errors import ParamsError
from tasks.params import load_params, parse_section
from tasks.privacy import PrivacyParams, mask, pseudonym
from tests.project import REPOSITORY

PARAMS = load_params("privacy", PrivacyParams, REPOSITORY / "params.yaml")
NOTHING = PARAMS.model_copy(update={"mask": ()})


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "write to ann@example.org, or bob.b+x@mail.example.co.uk!",
            "write to [email], or [email]!",
        ),
        ("<ann@example.org>;bob@example.org", "<[email]>;[email]"),
        ("ann @ example . org", "[email]"),
        ("ann(at)example(dot)com", "[email]"),
        ("ask ann [at] example.org now", "ask [email] now"),
        ("ANN AT EXAMPLE DOT COM", "[email]"),
        ("ann\uff20example.org", "[email]"),
        ('"ann lee"@example.org', "[email]"),
        ("jörg@bücher.example", "[email]"),
        ("root@[192.168.0.1]", "[email]"),
        ("(415) 555-2671, 020 7946 0958 or +49 30 901820", "[phone], [phone] or [phone]"),
        ("0 2 0 7 9 4 6 0 9 5 8", "[phone]"),
        ("٠٢٠ ٧٩٤٦ ٠٩٥٨", "[phone]"),
        ("tel:+33-1-42-68-53-00", "tel:[phone]"),
        ("DE89 3704 0044 0532 0130 00 and", "[iban] and"),
        ("gb29 nwbk 6016 1331 9268 19", "[iban]"),
        ("IBANDE89370400440532013000", "IBAN[iban]"),
        ("D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0", "[iban]"),
        ("4111-1111-1111-1111 12/27", "[card] 12/27"),
        ("3782 822463 10005 and 4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", "[card] and [card]"),
        ("192.168.0.1, 2001:db8::1 and fe80::1.", "[ip], [ip] and [ip]."),
    ],
)
def test_what_says_who_somebody_is_gets_masked(text: str, masked: str) -> None:
    assert mask(text, PARAMS) == masked


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "@ann and @bob.great", "see you @ home. It rains", "3 for 2 @ $5.99", "a@b",
        "meet me at ten", "1,234,567 of 10,000,000", "from 2009-2010, at 10:30:45", "v1.2.3.4.5",
        "2014-10-11 12:30", "order 12345678", "4111 1111 1111 1112", "DE89 3704 0044 0532 0130 01",
        "std::vector<a::b>", "999.1.1.1", "3.5/5 stars, 10/10", "[email] and [phone]",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert mask(text, PARAMS) == text


def test_where_digits_are_countless_nobody_is_asked_what_they_are() -> None:
    text = f"ann@example.org: {'1 2 3 4 5 6 7 8 9 0 ' * 40}is it"
    assert mask(text, PARAMS) == "[email]: [digits] is it"
    assert mask(text, PARAMS.model_copy(update={"mask": ("email",)})).count("1 2 3") == 40


def test_only_what_the_policy_names_is_masked() -> None:
    text = "ann@example.org or (415) 555-2671"
    assert mask(text, NOTHING) == text
    only = PARAMS.model_copy(update={"mask": ("phone",)})
    assert mask(text, only) == "ann@example.org or [phone]"
    abroad = PARAMS.model_copy(update={"phone_regions": ("DE",)})
    assert "[phone]" not in mask(text, abroad)


WORDS = ["it", "arrived", "on", "Monday", "2", "stars", "don't", "buy", "10%", "ünfair", "3.5", "-"]


def make_email(rng: random.Random) -> str:
    local = "".join(rng.choices("abcxyz019._+-", k=rng.randrange(1, 20))).strip(".") or "a"
    domain = rng.choice(
        ["example.org", "mail.example.co.uk", "a-b.example.com", "xn--bcher-kva.de"]
    )
    at = rng.choice(["@", "@", " @ ", "(at)", " [at] ", "\uff20"])
    return f"{local}{at}{domain}"


def make_phone(rng: random.Random) -> str:
    region = rng.choice(PARAMS.phone_regions)
    number = phonenumbers.example_number(region)
    assert number
    form = rng.choice(
        [
            phonenumbers.PhoneNumberFormat.INTERNATIONAL,
            phonenumbers.PhoneNumberFormat.NATIONAL,
            phonenumbers.PhoneNumberFormat.E164,
        ]
    )
    return phonenumbers.format_number(number, form).replace(" ", rng.choice([" ", "-", "."]))


def make_iban(rng: random.Random) -> str:
    bank = "".join(rng.choices("0123456789", k=18))
    check = 98 - int(f"{bank}131400") % 97  # DE as digits, then two zeros
    return spaced(f"DE{check:02}{bank}", rng)


def make_card(rng: random.Random) -> str:
    start, size = rng.choice([("4", 16), ("51", 16), ("37", 15), ("6011", 16)])
    digits = start + "".join(rng.choices("0123456789", k=size - len(start) - 1))
    return spaced(digits + luhn.calc_check_digit(digits), rng)


def spaced(text: str, rng: random.Random) -> str:
    gap = rng.choice(["", " ", "-", "  ", " - "])
    return gap.join(text[start : start + 4] for start in range(0, len(text), 4))


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "email": make_email, "phone": make_phone, "iban": make_iban, "card": make_card,
}  # fmt: skip


@pytest.mark.parametrize("kind", MAKERS)
def test_of_a_thousand_made_up_ones_none_is_left_and_the_words_around_them_stay(kind: str) -> None:
    rng = random.Random(kind)
    for _ in range(1000):
        before, after = (" ".join(rng.choices(["it", "was", "fine", "ünfair"], k=3)) for _ in "ab")
        secret = MAKERS[kind](rng)
        assert mask(f"{before}: {secret}; {after}", PARAMS) == f"{before}: [{kind}]; {after}", (
            secret
        )


PIECES = st.one_of(
    st.text(max_size=5), st.text("0123456789 -.@:+()", max_size=20), st.sampled_from(WORDS),
    st.builds(lambda kind, seed: MAKERS[kind](random.Random(seed)),
              st.sampled_from(sorted(MAKERS)), st.integers(0, 10**6)),
)  # fmt: skip


@settings(deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_masking_again_changes_nothing(text: str) -> None:
    once = mask(text, PARAMS)
    assert mask(once, PARAMS) == once


@settings(deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_what_is_left_stands_in_the_text_in_this_order(text: str) -> None:
    """Masking takes out and puts signs in; it makes nothing up and mixes nothing."""
    end = 0
    for part in re.split(r"\[(?:email|phone|iban|card|ip|digits)\]", mask(text, PARAMS)):
        found = text.find(part, end)
        assert found >= 0
        end = found + len(part)


def test_a_pseudonym_is_the_same_for_one_person_of_one_client_alone() -> None:
    found = {pseudonym(client, rater) for client in (None, "a", "b") for rater in ("ann", "bob")}
    assert len(found) == 6
    assert all(re.fullmatch("r_[0-9a-f]{24}", each) for each in found)
    assert pseudonym("a", "ann") == pseudonym("a", "ann")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phone_regions": ["UK"]}, "privacy.phone_regions = ['UK']: value error, expected codes"),
        ({"mask": ["name"]}, "privacy.mask.0 = 'name'"),
        ({"raters": "hidden"}, "privacy.raters = 'hidden'"),
    ],
)
def test_a_value_that_cannot_work_is_refused(change: dict[str, object], said: str) -> None:
    values = {"mask": ["email"], "phone_regions": ["US"], "raters": "as_sent"}
    with pytest.raises(ParamsError, match=re.escape(said)):
        parse_section("privacy", {**values, **change}, PrivacyParams)
