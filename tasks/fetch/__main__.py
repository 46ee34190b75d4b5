"""Command line of the stage: `python -m tasks.fetch TARGET`."""

import logging
import shutil
from pathlib import Path

from tasks import stage
from tasks.artifacts import whole_folder, write_json
from tasks.fetch.archive import unpack
from tasks.fetch.download import download, find_file
from tasks.fetch.params import FetchParams, Package
from tasks.params import load_params

log = logging.getLogger(__name__)


def main(target: Path) -> None:
    """Fetch every package of params section `fetch` and unpack its members below TARGET."""
    params = load_params("fetch", FetchParams)
    with whole_folder(target) as folder:
        records = [fetch(package, params, folder) for package in params.packages]
        write_json(folder / "packages.json", records)  # also keeps an empty fetch from being absent
        files = [file for file in folder.rglob("*") if file.is_file()]
        counts = {"packages": len(records), "files": len(files) - 1}
        write_json(folder / "metrics.json", {"fetch": counts})
    log.info("%d packages, %d files in %s", counts["packages"], counts["files"], target)


def fetch(package: Package, params: FetchParams, folder: Path) -> dict[str, object]:
    """Unpack one package below `folder`; what it was and what came out of it."""
    downloads = folder / ".download"
    downloads.mkdir()
    file = find_file(package, Path(params.own_files)) or download(package, params, downloads)
    members = unpack(file, package, folder / package.folder)
    shutil.rmtree(downloads)
    return {
        "name": package.name,
        "version": package.version,
        "distribution": package.distribution,
        "sha256": package.sha256,
        "folder": package.folder,
        "files": {member.name: member.stat().st_size for member in members},
    }


if __name__ == "__main__":
    stage.run("fetch", main)
