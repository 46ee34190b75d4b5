"""The normal form of a text, and the key by which two texts count as the same; pure Python."""

import hashlib
import html
import html.entities
import re
import unicodedata

# Only entities closed by ';': '?a=1&copy=2' is a link, not a copyright sign.
_ENTITY = re.compile(r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});")
_DEEPEST_ENTITIES = 8  # '&amp;amp;lt;' has three levels; deeper is an attack, not a text

# Controls that are no white space, soft hyphens, zero-width and direction marks, lone surrogates,
# invisible tags; then joiners (U+200C, U+200D) unless they stand alone between two non-ASCII
# characters, where Persian, Indic scripts and emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]+"
    "|(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]+"
    "|[\u200c\u200d](?![^\x00-\x7f])"
)
# What has long runs of marks; of words and white space none is one.
_MAYBE_MARKS = re.compile(r"[^\w\s\x00-\x7f]{31,}")
_MOST_MARKS = 30  # in a row, as Unicode's Stream-Safe Text Format has it (UAX 15)
_MARKS = {"Mn", "Mc"}  # vowel signs of Indic scripts and the like belong to their letters
_DROPPED = "'\u2019\u200c\u200d"  # "don't" and "dont" are the same words


def normalise(text: str) -> str:
    """The one form of a text that training and serving both see.

    HTML entities resolved (nested ones too), controls and zero-width characters removed, Unicode
    NFC, every run of white space one space, none at the ends; of more than 30 combining marks in a
    row the first 30. Idempotent; linear in the length.
    """
    if text.isascii() and text.isprintable() and "&" not in text and "  " not in text:
        return text.strip(" ")
    level, mended = 0, _mend(text, resolve=True)
    while mended != text:
        level += 1
        text, mended = mended, _mend(mended, resolve=level < _DEEPEST_ENTITIES)
    return text


def sha256_of_text(text: str) -> str:
    """Equal for texts that are one to the model, which sees their normal form."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()


def match_key(text: str) -> str:
    """What makes two texts the same but for case, punctuation and emoji.

    Letters and digits in lower case (NFKC), words divided by single spaces. A text without any
    letter or digit is its own key, so ':)' and ':(' stay apart. Never empty for a text that is not.
    """
    if text.isascii():
        return " ".join(text.lower().translate(_KEY).split()) or text
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).translate(_KEY).split()) or text


def _mend(text: str, resolve: bool) -> str:
    """One pass; resolving an entity can reveal more work, so `normalise` repeats it."""
    if not text.isprintable():
        text = _INVISIBLE.sub("", text)
    text = _MAYBE_MARKS.sub(_shorten_marks, text)  # putting n of them in order takes n * n steps
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if "&" in text:
        text = _ENTITY.sub(_resolved if resolve else _defused, text)
    return " ".join(text.split())


def _shorten_marks(run: re.Match[str]) -> str:
    kept, num_marks = [], 0
    for character in run[0]:
        num_marks = num_marks + 1 if unicodedata.combining(character) else 0
        if num_marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _resolved(entity: re.Match[str]) -> str:
    if entity[0][1] == "#":
        return html.unescape(entity[0])
    return html.entities.html5.get(entity[0][1:], entity[0])


def _defused(entity: re.Match[str]) -> str:
    """A space after the ampersand, so that the entity stays as text for good."""
    return entity[0] if _resolved(entity) == entity[0] else f"& {entity[0][1:]}"


class _KeyTable(dict[int, str]):
    """Translation for `str.translate`, filled as characters turn up."""

    def __missing__(self, code: int) -> str:
        self[code] = kept = _kept(chr(code))
        return kept


def _kept(character: str) -> str:
    if character in _DROPPED:
        return ""
    if character.isalnum():
        return character
    is_variation_selector = "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0100"
    is_mark = unicodedata.category(character) in _MARKS and not is_variation_selector
    return character if is_mark else " "


_KEY = _KeyTable()
