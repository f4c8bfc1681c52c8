"""The web UI as it is installed: served by `runfork ui`, where no node is to be found."""

import re
import urllib.error
import urllib.request

import pytest
from tests.browser.ui_servers import UiServer

from runfork.testing.waits import HANG_SECONDS


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    found = UiServer(folder / "data", folder / "printed", environment={"PATH": str(folder)})
    yield found
    found.stop()


def fetch(server, path):
    """Return the type and the body of what is at an address."""
    request = urllib.request.Request(server.url_of(path), headers={"Authorization": f"Bearer {server.token}"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=HANG_SECONDS) as answer:
        return answer.headers.get_content_type(), answer.read().decode()


@pytest.mark.parametrize("path", ["", "p/tests/project/charts", "p/tests/a%2Fb/lineage?q=x"])
def test_every_page_is_served_with_what_it_loads(server, path):
    kind, page = fetch(server, path)
    loaded = re.findall(r'(?:src|href)="\./([^"]+)"', page)

    assert kind == "text/html"
    assert {name.rpartition(".")[2] for name in loaded} >= {"js", "svg"}
    for name in loaded:
        found, body = fetch(server, name)
        assert body
        assert found == {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}[name.rpartition(".")[2]]


def test_what_is_no_address_of_the_api_is_no_page(server):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(server, "api/v1/nothing")
