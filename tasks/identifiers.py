"""Where a text names a mail address, an account, a card, a machine or a telephone."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

from phonenumbers import PhoneNumberMatcher
from stdnum import iban, luhn, numdb

Span = tuple[int, int]
Finder = Callable[[str], Iterator[Span]]

_FEWEST_DIGITS = 4  # of an address 1.2.3.4; a phone number worth looking for has more
_FEWEST_PHONE_DIGITS = 7
_MAX_LOCAL = 64  # characters before the @

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_COMMON_ENDS = (
    "com|org|net|edu|gov|info|biz|io|dev|app|me|co|uk|us|ca|au|nz|ie|de|at|ch|fr|es|it|nl|be|dk|se|"
    "no|fi|pl|cz|pt|gr|eu|in|jp|cn|br|mx|ru"
)
_OPEN, _SHUT = r"[(\[{<]\s?", r"\s?[)\]}>]"
_DOT = rf"(?:\.|\s\.\s|\s?{_OPEN}(?:dot|\.){_SHUT}\s?)"
# Written with spaces or words a domain must end as most do: 'see you @ home. It rains' has none.
_AT_DOMAIN = re.compile(
    rf"@(?:(?:{_LABEL}\.){{1,8}}(?:xn--[a-z0-9-]{{2,59}}|[^\W\d_]{{2,24}})|\[[0-9a-f:.]{{3,45}}\])"
    rf"|\s{{0,3}}(?:@|{_OPEN}(?:at|@){_SHUT})\s{{0,3}}"
    rf"(?:{_LABEL}{_DOT}){{1,5}}(?:{_COMMON_ENDS})(?!\w)"
    rf"|\sat\s(?:{_LABEL}\sdot\s){{1,5}}(?:{_COMMON_ENDS})(?!\w)",
    re.IGNORECASE,
)
_MAYBE_EMAIL = re.compile(r"@|[(\[{<]\s?at|\sdot\s", re.IGNORECASE)
_LOCAL = re.compile(r"""(?:"[^"\n]{1,62}"|[\w.!#$%&'*+/=?^`{|}~-]+)\Z""")

_IBAN_HEAD = re.compile(r"([a-z])[\s.-]{0,3}([a-z])(?:[\s.-]{0,3}[0-9]){2}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9](?:[\s./_-]{0,3}[0-9]){12,}")
_CARD = re.compile(
    r"4[0-9]{12}(?:[0-9]{3})?|(?:5[1-5]|2[2-7]|62|65)[0-9]{14}|3[47][0-9]{13}|3[068][0-9]{12}"
    r"|(?:6011|64[4-9][0-9]|35[2-8][0-9])[0-9]{12}"
)
_IPV4 = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\w|\.\w)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9a-f:.]{0,44}[0-9])[0-9a-f:.]{6,44}[0-9a-f:](?![\w:])", re.IGNORECASE
)


def fold(text: str) -> str:
    """Characters of other scripts and widths as ASCII, each in its own place, for the finders."""
    return text if text.isascii() else text.translate(_FOLDED)


def find_emails(text: str) -> Iterator[Span]:
    if not _MAYBE_EMAIL.search(text):
        return
    end = 0
    for found in _AT_DOMAIN.finditer(text):
        first = max(found.start() - _MAX_LOCAL, end)
        if local := _LOCAL.search(text, first, found.start()):
            end = found.end()
            yield local.start(), end


def find_ibans(text: str) -> Iterator[Span]:
    if _num_digits(text) < _FEWEST_PHONE_DIGITS:
        return
    end = 0
    for head in _IBAN_HEAD.finditer(text):
        whole = _iban_of("".join(head.groups()).upper())
        found = whole.match(text, head.start()) if whole and head.start() >= end else None
        if found and iban.is_valid(re.sub(r"\s", "", found[0]), check_country=False):
            end = found.end()
            yield head.start(), end


@cache
def _iban_of(country: str) -> re.Pattern[str] | None:
    """Each country's numbers have one length; None: it has none."""
    _, facts = numdb.get("iban").info(country)[0]
    if not (form := facts.get("bban")):
        return None
    length = 3 + sum(map(int, re.findall(r"[0-9]+", form)))
    return re.compile(rf"[a-z](?:[\s.-]{{0,3}}[a-z0-9]){{{length}}}", re.IGNORECASE)


def find_cards(text: str) -> Iterator[Span]:
    if _num_digits(text) < _FEWEST_PHONE_DIGITS:
        return
    for run in _DIGITS.finditer(text):
        places = [place for place in range(*run.span()) if text[place].isdecimal()]
        digits = "".join(text[place] for place in places)
        first = 0
        while found := _CARD.search(digits, first):
            first = found.start() + 1
            if luhn.is_valid(found[0]):
                first = found.end()
                yield places[found.start()], places[found.end() - 1] + 1


def find_addresses(text: str) -> Iterator[Span]:
    patterns = [_IPV4] if _num_digits(text) >= _FEWEST_DIGITS and "." in text else []
    patterns += [_IPV6] if text.count(":") > 1 else []
    for pattern in patterns:
        found = [each.span() for each in pattern.finditer(text) if _is_address(each[0])]
        if found:  # of the other kind there may be some, too: the next pass finds them
            yield from found
            return


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def find_phones(text: str, region: str) -> Iterator[Span]:
    if _num_digits(text) >= _FEWEST_PHONE_DIGITS:
        for found in PhoneNumberMatcher(text, region):
            yield found.start, found.end


def _num_digits(text: str) -> int:
    return sum(map(text.count, "0123456789"))


class _FoldTable(dict[int, str]):
    """Translation for `str.translate`, filled as characters turn up: one character for each."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


def _fold(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) == "Pd":
        return "-"
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character


_FOLDED = _FoldTable()
