"""The serving benchmark: it measures what answered, proves that it is right, and ends it all."""

from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from benchmarks.serving import anatomy, server
from benchmarks.serving.__main__ import labels_of, run_bare
from benchmarks.serving.bare import MODELS, all_settings
from benchmarks.serving.connection import Load
from benchmarks.serving.contestants import CONTESTANTS, OURS, OURS_FP32, OWN_PACKAGES, PEERS
from benchmarks.serving.overload import Overload, Side, measure_overload
from benchmarks.serving.parts import REST, measure_parts, share_out
from benchmarks.serving.report import Measurement, Row, print_report, write_json
from benchmarks.serving.server import serving
from benchmarks.serving.trial import CONCURRENCIES, Figures, Trial, Work, percentile, run_trial
from benchmarks.serving.verdicts import find_verdicts
from tests import tiny_bundle

FASTAPI, LITSERVE = CONTESTANTS[:2]
TEXTS = ["the film was good", "not awful! " * 9, "food", "it is bad", "?"] * 4


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    bundle = tiny_bundle.package(tiny_bundle.write_inputs(tmp_path_factory.mktemp("bundle")))
    labels = {precision: labels_of(bundle, precision, TEXTS) for precision in MODELS}
    cpus = sorted(psutil.Process().cpu_affinity() or [0])[:2]
    return Work(bundle, TEXTS, labels, cpus, warm_up=0.1, seconds=0.5)


def row(contestant: object, per_second: float, p99: float = 0.1, p50: float = 0.01) -> Row:
    assert contestant in CONTESTANTS
    figures = Figures(per_second, p50, p99, 0, 0.004, 0.01)
    trial = Trial(dict.fromkeys(CONCURRENCIES, figures), ready_seconds=2.0, mebibytes=300.0)
    return Row(contestant, "1", [trial])  # type: ignore[arg-type]


def bare(fp32: float, int8: float, seconds_alone: float) -> dict[str, dict[str, float]]:
    rates = {str(one): fp32 if one.precision == "fp32" else int8 for one in all_settings()}
    alone = dict.fromkeys(MODELS, seconds_alone)
    costs = dict.fromkeys(rates, 0.002)
    return {"per_second": rates, "cpu_seconds": costs, "seconds_alone": alone}  # type: ignore[dict-item]


@pytest.mark.slow
@pytest.mark.parametrize("contestant", [FASTAPI, OURS], ids=lambda one: one.tool)
def test_a_server_is_measured_at_each_concurrency(
    work: Work, tmp_path: Path, contestant: object
) -> None:
    trial = run_trial(contestant, work, tmp_path / "work")  # type: ignore[arg-type]
    assert list(trial.figures) == list(CONCURRENCIES)
    assert 0 < trial.ready_seconds < 60
    assert trial.mebibytes > 30
    for figures in trial.figures.values():
        assert figures.num_failed == 0
        assert 0 < figures.p50 <= figures.p99 < 10
        assert 0 < figures.cpu_seconds < 1
        assert figures.per_second > 10


@pytest.mark.slow
def test_a_server_with_another_model_is_no_result(work: Work, tmp_path: Path) -> None:
    wrong = {precision: ["True"] * len(TEXTS) for precision in MODELS}
    with pytest.raises(SystemExit, match=r"ours as shipped: labels .*, the model's are"):
        run_trial(OURS, work._replace(labels=wrong), tmp_path / "work")


@pytest.mark.slow
def test_what_a_server_leaves_running_is_ended(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "END_SECONDS", 3.0)
    stubborn = "trap '' TERM; sleep 300 & exec python -m serving --port {port}"
    contestant = replace(OURS_FP32, command=("sh", "-c", stubborn))
    with serving(contestant, work.bundle, tmp_path / "work", set(work.cpus), TEXTS[0]) as served:
        processes = served.tree()
        assert "sleep" in {process.name() for process in processes}
    assert not any(process.is_running() for process in processes)


def test_a_server_that_does_not_start_stops_the_benchmark_with_its_output(
    work: Work, tmp_path: Path
) -> None:
    contestant = replace(FASTAPI, command=("sh", "-c", "echo no such thing; exit 3"))
    with (
        pytest.raises(SystemExit, match="no such thing"),
        serving(contestant, work.bundle, tmp_path / "work", set(work.cpus), TEXTS[0]),
    ):
        pass


@pytest.mark.slow
def test_ten_times_the_load_is_sent_and_counted(work: Work, tmp_path: Path) -> None:
    found = measure_overload(work, tmp_path / "work")
    load, capacity = found.beyond.load, found.capacity.load
    num_due = load.statuses.total() + load.failures.total() + load.num_unsent
    assert num_due == pytest.approx(10 * capacity.per_second * load.duration, rel=0.1)
    assert set(load.statuses) <= {200, 503}
    assert load.failures == {}
    assert psutil.Process().cpu_affinity() == sorted(psutil.Process().cpu_affinity() or [])


@pytest.mark.slow
def test_each_part_of_a_request_gets_its_time(work: Work, tmp_path: Path) -> None:
    parts = {part.name: part for part in measure_parts(work, tmp_path / "work", 4)}
    assert list(parts)[-1] == REST
    for name in (anatomy.PARSING, anatomy.TOKENISING, anatomy.SCORING, anatomy.LOGGING, REST):
        assert 0 < parts[name].cpu_seconds < 0.1, name


def test_the_parts_add_up_to_the_whole() -> None:
    names = (anatomy.PARSING, anatomy.TOKENISING, anatomy.PADDING, anatomy.SCORING,
             anatomy.ANSWERING, anatomy.LOGGING)  # fmt: skip
    seen = {name: [1.0, 2.0, 10] for name in names} | {anatomy.WAITING: [0.0, 9.0, 10]}
    parts = share_out(seen, 10, cpu_seconds=8.0, wall_seconds=20.0)
    assert sum(part.cpu_seconds for part in parts) == pytest.approx(0.8)
    assert sum(part.wall_seconds for part in parts) == pytest.approx(2.0)
    waiting = next(part for part in parts if part.name == anatomy.WAITING)
    assert waiting.wall_seconds == pytest.approx((9.0 - 2.0 - 2.0) / 10)


@pytest.mark.slow
def test_the_bare_model_is_measured_in_every_setting(work: Work, tmp_path: Path) -> None:
    found = run_bare(work, tmp_path / "texts.json")
    assert set(found["per_second"]) == set(map(str, all_settings()))
    assert min(found["per_second"].values()) > 1
    assert set(found["seconds_alone"]) == set(MODELS)


@pytest.mark.parametrize(
    ("fp32", "shipped", "expected"),
    [(100.0, 201.0, "met"), (89.0, 179.0, "MISSED")],
)
def test_the_targets_are_computed_from_the_figures(
    fp32: float, shipped: float, expected: str
) -> None:
    p99 = 0.2 if expected == "met" else 0.31
    p50 = 0.012 if expected == "met" else 0.014
    rows = [row(FASTAPI, 90.0, p99=0.3), row(LITSERVE, 100.0, p99=0.3)]
    rows += [row(OURS_FP32, fp32, p50=p50), row(OURS, shipped, p99=p99, p50=p50)]
    lines = find_verdicts(Measurement(rows, [bare(100.0, 300.0, seconds_alone=0.01)]))
    compared = [line for line in lines if "MiB" not in line and "ready" not in line]
    assert {line.split(": ")[-1] for line in compared} == {expected}
    assert len(compared) == 8
    assert "(LitServe) 100/s" in lines[0]


@pytest.mark.parametrize(
    ("num_answers", "seconds", "is_met"), [(91, 0.29, True), (89, 0.31, False)]
)
def test_goodput_and_slowdown_are_read_from_the_loads(
    num_answers: int, seconds: float, is_met: bool
) -> None:
    capacity = Side(Load(seconds=[0.1] * 100, duration=1.0), server_cpu_seconds=0.9)
    beyond = Load(seconds=[seconds] * num_answers, refused_seconds=[0.001] * 900, duration=1.0)
    found = Overload(capacity, Side(beyond, server_cpu_seconds=1.0))
    assert found.goodput == pytest.approx(num_answers / 100)
    assert found.slowdown == pytest.approx(10 * seconds)
    assert found.refusal_cpu_seconds == pytest.approx((1.0 - 0.009 * num_answers) / 900)
    assert found.sentences()[1].count("met") == (2 if is_met else 0)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (
        50,
        99,
        100,
    )
    assert percentile([7.0], 99) == 7.0


def test_the_report_names_what_was_not_measured(tmp_path: Path) -> None:
    absent = Row(LITSERVE, "litserve", reason="ERROR: no matching distribution")
    measurement = Measurement([row(OURS, 100.0), absent], [bare(100.0, 300.0, 0.01)])
    console = Console(width=120, record=True)
    print_report(measurement, ["a verdict: met"], console)
    text = console.export_text()
    assert "not measured: ERROR: no matching distribution" in text
    assert "100, 10 / 100" in text
    write_json(measurement, ["a verdict: met"], tmp_path / "figures.json")
    assert '"per_second": 100.0' in (tmp_path / "figures.json").read_text()


@pytest.mark.parametrize("tool", sorted({one.tool for one in CONTESTANTS} - {"onnxruntime"}))
def test_every_peer_has_a_program_and_exact_versions(tool: str) -> None:
    assert (PEERS / tool / "service.py").exists()
    if tool not in OWN_PACKAGES:
        lines = (PEERS / tool / "requirements.txt").read_text().splitlines()
        assert all("==" in line for line in lines)
        names = {line.split("==")[0] for line in lines}
        assert {tool, "onnxruntime", "tokenizers", "numpy"} <= names
