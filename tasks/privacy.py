"""Pseudonyms of raters."""

import hashlib


def pseudonym(client: str | None, rater: str) -> str:
    """The same person of the same client has the same one; nobody reads a name from it."""
    digest = hashlib.sha256(f"{client or ''}\0{rater}".encode("utf-8", "surrogatepass"))
    return f"r_{digest.hexdigest()[:24]}"
