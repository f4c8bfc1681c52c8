from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from runfork.disk.layout import Store
from runfork.disk.logged_files import FOLDER
from runfork.errors import ArgumentError, RunforkWarning
from runfork.query.files import LoggedFile, download_files


def logged(directory: Path, content: str, **changes: Any) -> LoggedFile:
    """A file whose contents lie in the data directory."""
    file = LoggedFile(
        project="local/test",
        run_id="r1",
        experiment_name=None,
        attribute_path="samples/image",
        step=None,
        size_bytes=len(content),
        mime_type="image/png",
        name="image.png",
        sha256=f"digest-of-{content}",
        source_run="r1",
        directory=str(directory),
    )
    folder = Store(directory).run_directory("local/test", "r1") / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file.sha256).write_text(content)
    return replace(file, **changes)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def test_copies_to_a_path_of_run_attribute_and_step(data: Path, target: Path) -> None:
    one = logged(data, "one")
    two = logged(data, "two", step=2.5)

    frame = download_files(files=[one, two], destination=target)

    places = [str(target / "r1/samples/image.png"), str(target / "r1/samples/image/step_2.500000.png")]
    assert places == frame["samples/image"].tolist()
    assert ["one", "two"] == [Path(place).read_text() for place in places]
    assert ["run", "step"] == list(frame.index.names)
    assert pd.isna(frame.index[0][1])


def test_files_of_experiments_lie_under_their_name(data: Path, target: Path) -> None:
    frame = download_files(files=logged(data, "one", experiment_name="sea gull/7"), destination=target)

    expected = str(target / "sea_gull_7/samples/image.png")
    assert [expected] == frame["samples/image"].tolist()
    assert ["sea gull/7"] == frame.index.get_level_values("experiment").tolist()


def test_a_frame_of_files_downloads_all_and_leaves_gaps_out(data: Path, target: Path) -> None:
    frame = pd.DataFrame(
        {"samples/image": [logged(data, "one"), None], "lr": [float("nan"), float("nan")]}, dtype=object
    )

    assert 1 == download_files(files=frame, destination=target).size
    assert 1 == download_files(files=frame["samples/image"], destination=target).size


def test_nothing_gives_an_empty_frame(target: Path) -> None:
    frame = download_files(files=[], destination=target)

    assert (0, 0) == frame.shape
    assert ["run", "step"] == list(frame.index.names)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "..", "a//b", "a/./b", "a\\b", "x\0y"])
def test_no_attribute_leads_out_of_the_destination(data: Path, target: Path, path: str) -> None:
    frame = download_files(files=logged(data, "one", attribute_path=path, run_id=".."), destination=target)

    (place,) = frame.to_numpy().ravel()
    assert target.resolve() in Path(place).resolve().parents
    assert "one" == Path(place).read_text()


def test_names_that_would_meet_are_told_apart(data: Path, target: Path) -> None:
    files = [logged(data, str(number), attribute_path=path) for number, path in enumerate(["a b", "a_b", "A?b"])]

    frame = download_files(files=files, destination=target)

    places = frame.to_numpy().ravel()
    assert 3 == len({place.casefold() for place in places})
    assert all(Path(place).name.lower().startswith("a_b") for place in places)
    assert {"0", "1", "2"} == {Path(place).read_text() for place in places}


def test_long_names_are_cut_and_told_apart(data: Path, target: Path) -> None:
    files = [logged(data, end, attribute_path="ä" * 400 + end) for end in "xy"]

    frame = download_files(files=files, destination=target)

    assert ["x", "y"] == [Path(place).read_text() for place in frame.to_numpy().ravel()]
    assert max(len(Path(place).name.encode()) for place in frame.to_numpy().ravel()) <= 255


@pytest.mark.parametrize(
    ("name", "mime_type", "suffix"),
    [
        ("model.ckpt", "application/octet-stream", ".ckpt"),
        ("noname", "image/jpeg", ".jpg"),
        ("noname", "application/x-unknown-thing", ".bin"),
        ("evil.p/../..", "image/png", ".png"),
    ],
)
def test_the_extension_is_that_of_the_name_or_the_media_type(
    data: Path, target: Path, name: str, mime_type: str, suffix: str
) -> None:
    frame = download_files(files=logged(data, "one", name=name, mime_type=mime_type), destination=target)

    assert suffix == Path(frame.to_numpy().ravel()[0]).suffix


def test_missing_contents_warn_and_leave_a_gap(data: Path, target: Path) -> None:
    there, gone = logged(data, "one"), logged(data, "two", attribute_path="gone", sha256="elsewhere")

    with pytest.warns(RunforkWarning, match="the contents of 'gone' of 'r1' are not at"):
        frame = download_files(files=[there, gone], destination=target)

    assert [None] == frame["gone"].tolist()
    assert Path(frame["samples/image"].iloc[0]).is_file()


def test_another_data_directory_can_be_named(data: Path, target: Path) -> None:
    file = replace(logged(data, "one"), directory="/nowhere")

    frame = download_files(files=file, destination=target, directory=data)

    assert "one" == Path(frame.to_numpy().ravel()[0]).read_text()


def test_downloading_again_replaces_and_leaves_nothing_else(data: Path, target: Path) -> None:
    for _ in range(2):
        download_files(files=logged(data, "one"), destination=target)

    assert ["image.png"] == [path.name for path in target.rglob("*") if path.is_file()]


@pytest.mark.parametrize("files", ["image.png", 3, ["image.png"], [{"a": 1}]])
def test_refuses_what_is_no_logged_file(files: Any) -> None:
    with pytest.raises(ArgumentError, match="files must be a LoggedFile, several, or a frame of them, found"):
        download_files(files=files)


def test_refuses_files_of_runs_and_experiments_together(data: Path) -> None:
    with pytest.raises(ArgumentError, match="all of runs or all of experiments"):
        download_files(files=[logged(data, "one"), logged(data, "two", experiment_name="gull")])
