"""Files are whole or absent, whatever happens while they are written."""

import threading

import pytest

from dataset.atomic import clear_parts, replacing, write_text


def test_a_file_appears_when_it_is_finished(tmp_path):
    path = tmp_path / "one.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("flush", [True, False])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path, flush):
    path = tmp_path / "one.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), replacing(path, flush) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_errors_name_the_file_that_was_asked_for(tmp_path):
    for path in (tmp_path / "gone" / "one.txt", tmp_path / "folder"):
        (tmp_path / "folder").mkdir(exist_ok=True)
        with pytest.raises(OSError) as caught:
            write_text(path, "x")
        assert caught.value.filename == str(path) and ".part" not in str(caught.value)


def test_threads_do_not_share_a_temporary_file(tmp_path):
    names = []
    barrier = threading.Barrier(2)

    def write(content):
        with replacing(tmp_path / "one.txt") as temporary:
            names.append(temporary)
            temporary.write_text(content)
            barrier.wait()

    workers = [threading.Thread(target=write, args=(c,)) for c in "ab"]
    _ = [w.start() for w in workers], [w.join() for w in workers]
    assert len(set(names)) == 2 and (tmp_path / "one.txt").read_text() in "ab"


def test_what_interrupted_runs_left_is_cleared(tmp_path):
    (tmp_path / ".a.h5.17.part").touch()
    (tmp_path / "a.h5").touch()
    clear_parts(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]
