"""The played image, once for a run: all tests that ask for it are marked `together("image")`."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import FILE, REPOSITORY, version_of
from .dockerfile import read
from .room import Room, context_of, why_not


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Room]]:
    """The stages of the Dockerfile by name, played. Skips with the reason where that cannot be."""
    stages = read(FILE)
    if reason := why_not(version_of(stages[-1].base)):
        warnings.warn(pytest.PytestWarning(f"skipped: {reason}"), stacklevel=1)
        pytest.skip(reason)
    place = tmp_path_factory.mktemp("image")
    context = context_of(REPOSITORY, place / "context")
    rooms: dict[str, Room] = {}
    for number, stage in enumerate(stages):
        rooms[stage.name] = Room(place / f"stage-{number}", version_of(stage.base))
        rooms[stage.name].play(stage, context, rooms)
    yield rooms
    shutil.rmtree(place)


@pytest.fixture
def image(played: dict[str, Room]) -> Room:
    """The last stage, which is the image."""
    return played[""]


@pytest.fixture
def volume(image: Room, tmp_path: Path) -> Iterator[Path]:
    """A new volume at the image's VOLUME; as an engine does, it takes owner and mode from there."""
    (at,) = read(FILE)[-1].last("VOLUME").words
    of = (image.own / "root" / at.lstrip("/")).stat()
    folder = tmp_path / "volume"
    folder.mkdir()
    shutil.chown(folder, of.st_uid, of.st_gid)
    folder.chmod(of.st_mode)
    image.volumes = {at: folder}
    yield folder
    image.volumes = {}
