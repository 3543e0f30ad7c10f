"""The size of an installation: files count once, links do not."""

from benchmarks.install import megabytes


def test_files_count_once_and_links_do_not(tmp_path):
    (tmp_path / "lib" / "package").mkdir(parents=True)
    (tmp_path / "lib" / "package" / "data").write_bytes(bytes(3_000_000))
    (tmp_path / "top").write_bytes(bytes(500_000))
    (tmp_path / "lib64").symlink_to(tmp_path / "lib")
    assert round(megabytes(tmp_path), 3) == 3.5
