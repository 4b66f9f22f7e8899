"""Runs under Python 3.6 with no package installed: the client seals as the vectors say and follows a strategy.

Arguments: the rendered client, jqf1.json, the folder that holds `joinquant`.
"""

import base64
import io
import json
import sys
import types

client_path, vectors_path, tests = sys.argv[1:]
sys.path.insert(0, tests)

from joinquant import Platform  # noqa: E402

with io.open(client_path, encoding="utf-8") as file:
    CLIENT = file.read()
with io.open(vectors_path, encoding="utf-8") as file:
    VECTORS = json.load(file)

posted = []


class Response:
    """What requests gives back."""

    def __init__(self, status_code, body):
        self.status_code = status_code
        self.body = body
        self.headers = {}

    def iter_content(self, size):
        return (self.body[n : n + size] for n in range(0, len(self.body), size))

    def close(self):
        pass


def post(url, data, headers, timeout, allow_redirects, stream):
    body = json.loads(data.decode("ascii"))
    posted.append(body)
    helper = sys.modules["jqfollow_client_demo"]._JqFollow
    text = "jqf1\n%s\naccepted" % body["id"]
    mac = helper.hmac.new(helper.sub_key("ack"), text.encode("utf-8"), helper.hashlib.sha256).hexdigest()
    return Response(200, json.dumps({"status": "accepted", "signal_id": 1, "mac": mac}).encode("ascii"))


requests = types.ModuleType("requests")
requests.post = post
sys.modules["requests"] = requests

module = types.ModuleType("client")
exec(compile(CLIENT, client_path, "exec"), module.__dict__)
for case in VECTORS["cases"]:
    assert module._JqFollow.seal(case["id"], case["ts"], case["text"]) == case["body"], case["id"]

STRATEGY = """
import jqfollow_client_demo
def process_initialize(context):
    jqfollow_client_demo.install(globals(), context, "demo")
def trade(ctx):
    return order("000001.XSHE", 1000)
"""
for pickles in ("g", "globals"):
    del posted[:]
    with Platform(STRATEGY, helpers={"jqfollow_client_demo": CLIENT}, pickles=pickles) as platform:
        assert platform.run("trade").amount == 1000
        platform.run_scheduled("15:30")
        platform.next_day()
        platform.restart()
        platform.run("trade")
        assert not [line for level, line in platform.log.lines if level != "info"], platform.log.lines
    assert len(posted) == 5, posted  # hello, order, positions; hello, order
    assert len({body["id"] for body in posted}) == 5
    assert all(len(base64.b64decode(body["box"])) > 28 for body in posted)
sys.stdout.write("%s passed\n" % sys.version.split()[0])
