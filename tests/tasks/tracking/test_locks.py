"""What shows MLflow's runs is of the version that wrote them: they share a database."""

import re

from tests.project import REPOSITORY


def version_of(package: str, lock: str) -> str:
    text = (REPOSITORY / lock).read_text()
    (found,) = re.findall(rf"^{package}==(\S+)", text, re.MULTILINE)
    return str(found)


def test_mlflows_server_and_client_are_of_one_version() -> None:
    server = version_of("mlflow", "requirements-mlflow.lock")
    assert server == version_of("mlflow-skinny", "requirements.lock")
