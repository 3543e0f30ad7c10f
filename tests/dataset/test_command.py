"""Arguments that all commands share."""

import pytest

from dataset.convert import main as convert
from dataset.merge import main as merge
from dataset.preview import main as preview
from dataset.subset import main as subset
from dataset.view import main as view


@pytest.mark.parametrize(
    ("out", "message"),
    [("s3://bucket/set", "is a remote address; write to a local folder"), ("a\0b", "not the name"), ("", "not the name")],
)
def test_outputs_that_are_no_local_paths_are_refused(data, tmp_path, capsys, monkeypatch, out, message):
    """A local folder named s3: would look like an upload."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for command, arguments in (
        *([] if "://" in out else [(subset, [str(data)]), (merge, [str(data), str(data)])]),  # which write to addresses
        (convert, [str(data), "--to", "slfm"]),
        (convert, [str(data), "--to", "webdataset"]),
        (preview, [str(data)]),
        (view, [str(data)]),
    ):
        with pytest.raises(SystemExit) as end:
            command([*arguments, "--out", out])
        assert end.value.code == 2 and message in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
