"""The server: on this machine alone, what is asked for and nothing else, many at a time."""

import base64
import http.client
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import numpy as np
import pytest
import soundfile

from dataset.command import exit_status
from dataset.errors import DatasetError
from dataset.interrupts import SIGNALS
from dataset.reader import Dataset
from dataset.viewer.payload import Panels
from dataset.viewer.server import Viewer, serve


@pytest.fixture
def viewer(data):
    with Viewer(Dataset(data), "a <b> set", 0) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(viewer, path, method="GET", host=None):
    """Ask for a path as it stands: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{viewer.server_port}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


def test_the_page_lists_every_set_and_reads_no_shard(viewer):
    status, headers, body = ask(viewer, "/")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    index = json.loads(body.decode().split('id="index">')[1].split("</script>")[0])
    assert index["served"] and [name for _, _, name in index["sets"]] == [
        f"{s}-0000 #{k}" for s in ("attic", "barn", "cellar") for k in range(2)
    ]
    assert b"<title>a &lt;b&gt; set</title>" in body and b"connect-src 'self'" in body
    assert not viewer.panels.data._open


def test_blocks_are_those_of_the_set(viewer, data):
    panels = Panels(Dataset(data))
    assert json.loads(ask(viewer, "/facts/3.json")[2]) == panels.facts(3)
    assert json.loads(ask(viewer, "/plan/1.json")[2]) == panels.plan("barn")
    sound = json.loads(ask(viewer, "/sound/5.json")[2])
    ears, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["tracks"][0][1])))
    audio = panels.data.read(5, "audio", 1)
    assert rate == 16000 and ears.T.shape == audio.shape
    assert np.corrcoef(ears.T.ravel(), audio.ravel())[0, 1] > 0.9999


@pytest.mark.parametrize(
    "path",
    [
        "/../manifest.json", "/%2e%2e/manifest.json", "/manifest.json", "/shards/attic-0000.h5", "//etc/passwd",
        "/facts/../0.json", "/facts/6.json", "/plan/3.json", "/facts/-1.json", "/facts/1e0.json", "/facts/0000000001.json",
        "/facts/%31.json", "/facts/1.json?x=1", "/facts/1.json/", "/facts/.json", "/fact/1.json", "/facts/9999999999.json", "*",
        "facts/1.json", "http://127.0.0.1/facts/1.json",
    ],
)  # fmt: skip
def test_other_addresses_lead_nowhere(viewer, path):
    status, _, body = ask(viewer, path)
    assert status == 404 and json.loads(body) == {"error": "there is no such address"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "localhost.evil.example"])
def test_another_sites_name_gets_nothing(viewer, host):
    status, _, body = ask(viewer, "/facts/0.json", host=host)
    assert status == 403 and b"pictures" not in body
    assert ask(viewer, "/facts/0.json", host=f"localhost:{viewer.server_port}")[0] == 200


def test_nothing_can_be_sent_and_heads_are_empty(viewer):
    assert ask(viewer, "/facts/0.json", "POST")[0] == 501
    status, headers, body = ask(viewer, "/facts/0.json", "HEAD")
    assert status == 200 and int(headers["Content-Length"]) > 1000 and body == b""
    assert headers["X-Content-Type-Options"] == "nosniff" and "Access-Control-Allow-Origin" not in headers


def test_it_is_for_this_machine_alone(viewer):
    assert viewer.server_address[0] == "127.0.0.1"


def test_many_ask_at_a_time(viewer, data):
    panels = Panels(Dataset(data))
    wanted = [panels.facts(k) for k in range(6)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda k: json.loads(ask(viewer, f"/facts/{k % 6}.json")[2]), range(48)))
    assert answers == [wanted[k % 6] for k in range(48)]


def test_who_leaves_early_is_no_trouble(viewer, capsys):
    for error in (BrokenPipeError("left"), ConnectionResetError("left"), ValueError("of ours")):
        try:
            raise error
        except (OSError, ValueError):
            viewer.handle_error(None, ("127.0.0.1", 1))
    told = capsys.readouterr().err
    assert "of ours" in told and "left" not in told


def test_a_damaged_shard_is_told_and_the_rest_goes_on(viewer, data):
    shard = data / "shards" / "barn-0000.h5"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    status, _, body = ask(viewer, "/facts/2.json")
    assert status == 500 and "barn-0000.h5" in json.loads(body)["error"]
    assert ask(viewer, "/facts/0.json")[0] == 200


def test_a_port_that_cannot_be_had_is_told(viewer, data):
    with pytest.raises(DatasetError, match=f"port {viewer.server_port} .*--port"):
        Viewer(Dataset(data), "set", viewer.server_port)
    with pytest.raises(DatasetError, match="0 to 65535"):
        Viewer(Dataset(data), "set", 65536)


@pytest.mark.parametrize("kind", SIGNALS)
def test_a_signal_ends_the_server_with_success_also_where_its_exception_is_discarded(data, kind, monkeypatch, capsys):
    class Deleted:
        def __del__(self):
            os.kill(os.getpid(), kind)
            for _ in range(100):
                pass  # the handler runs here

    def run():
        serve(Dataset(data), "a set", 0, show=False)
        return 0

    actions = Viewer.service_actions
    monkeypatch.setattr(Viewer, "service_actions", lambda self: (Deleted(), actions(self)))
    assert exit_status(run) == 0
    assert "interrupted" not in capsys.readouterr().err
