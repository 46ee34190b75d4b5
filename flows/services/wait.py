"""`python -m flows.services.wait COMMAND...`: run COMMAND once the server of `make up` answers."""

import os
import sys
import time

from flows.services.address import running_api

_PAUSE_SECONDS = 0.2


def main(command: list[str]) -> None:
    while running_api() is None:
        time.sleep(_PAUSE_SECONDS)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
