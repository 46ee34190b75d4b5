"""`python -m tests.serving.feedback_victim URL ACKS KILLS SEED [hasty]`: killed as it corrects.

What is killed is what the service does with corrections, without HTTP and without a model: both
logs on one store, clients that wait for their answers and write down each one they get. A process
is forked for each kill from one that has imported all, so that thousands of kills take minutes.
"""

import os
import random
import signal
import sys
import threading
import time
from typing import NamedTuple

from serving.store.engine import open_engine
from serving.store.feedback_log import FeedbackLog
from serving.store.prediction_log import PredictionLog
from serving.store.records import PredictionRecord
from tasks.stage import die_with_parent
from tests.serving.store.corrections import RULES, make_correction
from tests.serving.store.predictions import MOMENT, PARAMS, PRIVACY, make_record

CLIENTS = 6
EVENTS_PER_ROUND = 100_000  # more than a process gets to
SHORTEST_SECONDS, LONGEST_SECONDS = 0.01, 0.1  # from a process's first answer to its end
_IN_LETTERS = str.maketrans("0123456789", "abcdefghij")


class Life(NamedTuple):
    url: str
    acks: int  # open file
    round: int
    hasty: bool  # acknowledges before it knows: the checker has to find that


def make_event(number: int):  # type: ignore[no-untyped-def]
    """All that is said in it follows from its number."""
    return make_correction(
        number, received_at=MOMENT, rater=f"r{number % 7}", label=("good", "bad", None)[number % 3],
        comment=f"c{number}",
    )  # fmt: skip


def make_prediction(number: int) -> PredictionRecord:
    text = str(number).translate(_IN_LETTERS)  # or it is masked as a telephone's
    return make_record(number, text=text, label=("good", "bad")[number % 2])


def live(life: Life) -> None:
    die_with_parent()
    engine = open_engine(life.url)
    predictions = PredictionLog(engine, PARAMS, PRIVACY)
    log = FeedbackLog(engine, RULES, 1000, predictions.find)
    clients = [
        threading.Thread(target=be_client, args=(life, predictions, log, number))
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    clients[0].join()


def be_client(life: Life, predictions: PredictionLog, log: FeedbackLog, client: int) -> None:
    """First what it may have sent to the process before, which was killed; then its own."""
    start = life.round * EVENTS_PER_ROUND + client
    again = range(max(start - EVENTS_PER_ROUND, client), start, CLIENTS)[:3]
    for number in (*again, *range(start, start + EVENTS_PER_ROUND, CLIENTS)):
        predictions.put([make_prediction(number)])
        answer = log.put(make_event(number))
        if life.hasty:
            os.write(life.acks, f"{number} stored\n".encode())
        os.write(life.acks, f"{number} {answer.result().verdict}\n".encode())


def kill(life: Life, rng: random.Random) -> None:
    before = os.fstat(life.acks).st_size
    pid = os.fork()
    if pid == 0:
        try:
            live(life)
        finally:
            os._exit(1)
    deadline = time.monotonic() + 20
    while os.fstat(life.acks).st_size == before and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "it has ended by itself"
    assert os.fstat(life.acks).st_size > before, "it has acknowledged nothing"


def main(url: str, acks: str, kills: str, seed: str, *hasty: str) -> None:
    file = os.open(acks, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    rng = random.Random(seed)
    for number in range(int(kills)):
        kill(Life(url, file, number, bool(hasty)), rng)


if __name__ == "__main__":
    main(*sys.argv[1:])
