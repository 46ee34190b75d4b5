"""Params of stage label; the type lives with the rules for votes, which validate needs too."""

from tasks.votes import LabelParams

__all__ = ["LabelParams"]
