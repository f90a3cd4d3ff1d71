"""A page in a real browser that is spoken to: what a script in it says, a mouse, pictures."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import CHROMIUM, SETTINGS

SOFTWARE_GL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
PATIENCE = 60.0  # seconds


class Tab:
    """A page; commands of the DevTools protocol go over a pipe, one JSON object up to each NUL."""

    def __init__(self, inward: int, outward: int) -> None:
        self._in, self._out = os.fdopen(inward, "rb"), os.fdopen(outward, "wb")
        self._session: str | None = None
        self._number = 0
        self._rest = b""
        self.said: list[str] = []  # on its console, errors too

    def close(self) -> None:
        self._out.close()
        self._in.close()

    def open(self, page: Path) -> None:
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        attached = self.command("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.command("Runtime.enable")
        self.command("Log.enable")
        self.command("Page.navigate", url=page.as_uri())

    def evaluate(self, script: str) -> Any:
        """The value of an expression, or of the promise it is, in the page."""
        found = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script: str) -> Any:
        """The value of an expression once it is true."""
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"never true: {script}; said: {self.said}"
            time.sleep(0.05)
        return value

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.command("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **more)

    def key(self, name: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=name)

    def screenshot(self, path: Path) -> None:
        data = self.command("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        call = {"id": self._number, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        self._out.write(json.dumps(call).encode() + b"\0")
        self._out.flush()
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._listen(message.get("method"), message.get("params", {}))

    def _listen(self, method: str | None, params: dict[str, Any]) -> None:
        if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.said.append(json.dumps(params))
        if method == "Log.entryAdded" and params["entry"]["source"] != "rendering":  # its speed
            self.said.append(params["entry"]["text"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._in.read1(1 << 16)
            assert more, "the browser ended"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)


@contextmanager
def opened(page: Path, *options: str) -> Iterator[Tab]:
    """Open a page; the browser ends with the context, its profile stays beside the page."""
    assert CHROMIUM is not None
    settings = [option for option in (*SETTINGS, *SOFTWARE_GL) if option != "--disable-gpu"]
    own = ("--remote-debugging-pipe", f"--user-data-dir={page.parent / 'profile'}")
    there, outward = os.pipe()
    inward, back = os.pipe()
    process = subprocess.Popen(
        # The browser reads from 3 and writes to 4.
        ["bash", "-c", f'exec "$@" 3<&{there} 4>&{back}', "", CHROMIUM, *settings, *options, *own],
        pass_fds=(there, back),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(there)
    os.close(back)
    tab = Tab(inward, outward)
    try:
        tab.open(page)
        yield tab
    finally:
        tab.close()
        process.terminate()
        process.wait(timeout=30)
