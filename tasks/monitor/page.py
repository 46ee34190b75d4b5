"""The report as a page that needs nothing but itself; whatever it quotes is shown as text."""

from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tasks.monitor.pictures import draw_pictures
from tasks.monitor.report import Held, Report

_TEMPLATE = "report.html.jinja"


def make_page(report: Report) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"figure": figure, "percent": percent, "held": held_in_words}
    text = resources.files("tasks.monitor").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    # matplotlib escapes what it writes, so its pictures alone go in as they are
    pictures = [Markup(picture) for picture in draw_pictures(report)]
    judged = [finding for finding in report.findings if finding.is_judged]
    unjudged = [finding.title for finding in report.findings if not finding.is_judged]
    return environment.from_string(text).render(
        report=report, pictures=pictures, judged=judged, unjudged=unjudged
    )


def figure(value: float | None) -> str:
    if value is None:
        return "-"
    small = 0.001
    return f"{value:.3f}" if value == 0 or abs(value) >= small else f"{value:.1g}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def held_in_words(held: Held) -> str:
    return {True: "yes", False: "no", None: "not enough"}[held.holds]
