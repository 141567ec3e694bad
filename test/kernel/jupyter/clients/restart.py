"""Restarts a kernel while a cell runs; prints what is left of the session, and what a new cell comes to."""

import json
import sys

from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(kernel_name=json.load(sys.stdin)["kernel"])


def run(code):
    printed = []
    hook = lambda message: printed.append(message["content"].get("data", {}).get("text/plain"))
    reply = client.execute_interactive(code, output_hook=hook, timeout=60, allow_stdin=False)
    return {"status": reply["content"]["status"], "result": next(filter(None, printed), None)}


run("let before = 1")
client.execute("for (;;);")
manager.restart_kernel()
client.wait_for_ready(timeout=60)
report = {"before": run("typeof before")["status"], "after": run("1 + 1")["result"]}
client.stop_channels()
manager.shutdown_kernel()
print(json.dumps(report))
