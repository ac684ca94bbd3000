#!/usr/bin/env python3
"""A worker that counts words, by long poll, with nothing but Python's standard library.

It takes one task at a time. A thread keeps its lease alive meanwhile. See docs/protocol.md.
"""

import http.client
import json
import os
import signal
import threading
import time
import traceback
import urllib.error
import urllib.request

URL = os.environ.get("COLONY_URL", "http://127.0.0.1:8000").rstrip("/")
TOKEN = os.environ.get("COLONY_SECRET_TOKEN")
# At least three signs of life in the life of a lease, which is WORKER_HEARTBEAT_INTERVAL: 120 s unless set.
HEARTBEAT_SECONDS = float(os.environ.get("WORKER_HEARTBEAT_INTERVAL", "120")) / 3
NO_ANSWER = (OSError, http.client.HTTPException)


class Refused(Exception):
    """The kernel said no. `code` is one of docs/errors.md."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail") or f"HTTP {status}")
        self.status = status
        self.code = problem.get("code")


class BadTask(Exception):
    """The task itself is wrong, so another attempt would fail as well."""


def call(method, path, body=None, timeout=15.0):
    """One request; its answer's JSON. Whoever must wait (429, 503) or gets no answer may send it again."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if TOKEN:
        headers["Authorization"] = f"Bearer {TOKEN}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
        try:
            problem = json.loads(text)
        except ValueError:
            problem = {}
        raise Refused(error.code, problem) from None


def insist(method, path, body):
    """Sends it until the kernel has answered: an outcome must not be lost because the kernel restarts."""
    pause = 0.5
    while True:
        try:
            return call(method, path, body)
        except Refused as refusal:
            if refusal.status not in (429, 503):
                raise
        except NO_ANSWER:
            pass  # No answer. The same outcome with the same lease token is one outcome, so sending it again is safe.
        time.sleep(pause)
        pause = min(10.0, pause * 2)


def register():
    worker = {"name": "example-counter-py", "capabilities": [{"name": "counting"}]}
    worker_id = insist("POST", "/workers", worker)["id"]
    print(f"counting as {worker_id}; Ctrl-C to leave", flush=True)
    return worker_id


def keep_alive(worker_id, done):
    while not done.wait(HEARTBEAT_SECONDS):
        try:
            call("POST", f"/workers/{worker_id}/heartbeat", {})
        except (Refused, *NO_ANSWER):
            pass  # The next one may get through; if none does, the report says that the lease is lost.


def count(task):
    payload = task["payload"]
    text = payload.get("text") if isinstance(payload, dict) else None
    if not isinstance(text, str):
        raise BadTask("payload.text must be a string")
    return {"words": len(text.split())}


def run(worker_id, task):
    path, token = f"/tasks/{task['id']}", task["lease"]["token"]
    done = threading.Event()
    threading.Thread(target=keep_alive, args=(worker_id, done), daemon=True).start()
    try:
        outcome, body = "complete", {"result": count(task)}
    except Exception as error:  # Whatever goes wrong in a task is the task's failure, not the worker's.
        retryable = not isinstance(error, BadTask)
        outcome, body = "fail", {"error": str(error), "error_trace": traceback.format_exc(), "retryable": retryable}
    finally:
        done.set()
    try:
        insist("POST", f"{path}/{outcome}", {"lease_token": token, **body})
        print(f"{task['description']}: {outcome} {body.get('result', body.get('error'))}", flush=True)
    except Refused as refusal:
        # stale_lease: cancelled, or somebody else's by now. What was computed is worth nothing.
        print(f"{task['description']}: {refusal.code}", flush=True)


class Stop(Exception):
    pass


def stop(signum, frame):
    raise Stop


def claim(worker_id):
    """Waits up to 30 s for a task. A signal may end the waiting, and only that: a task that was given is finished."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        return call("POST", f"/workers/{worker_id}/claim", {"wait_seconds": 30}, timeout=45)["tasks"]
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, later)


stopping = threading.Event()


def later(signum, frame):
    stopping.set()


def main():
    worker_id = register()
    try:
        while not stopping.is_set():
            try:
                tasks = claim(worker_id)
            except Refused as refusal:
                if refusal.code == "worker_not_found":
                    worker_id = register()
                elif refusal.status in (429, 503):
                    time.sleep(1)
                else:
                    raise
            except NO_ANSWER:
                time.sleep(1)
            else:
                for task in tasks:
                    run(worker_id, task)
    except Stop:
        pass
    # Whatever a claim that was cut short may have been given goes back to the queue with this.
    try:
        call("DELETE", f"/workers/{worker_id}")
    except (Refused, *NO_ANSWER):
        pass  # Its lease runs out by itself.


if __name__ == "__main__":
    main()
