#!/usr/bin/env python3
"""A webhook receiver for tests and the demo: verifies signatures, logs what came, misbehaves on request.

    receiver.py [--port N] [--secret whsec_...]... [--log FILE] [--responses LIST] [--fail-share 0.3] [--seed N]

Prints "port N" and serves until its standard input ends.  Each request becomes a line of JSON in FILE (or on standard
output): received, path, webhook_id, webhook_timestamp, verified (true, false, or null without --secret), why, status
(null where none was sent), headers, body.

LIST says how the first requests are answered, in order of arrival, separated by commas; later ones get 200:
    200, 500, ...   that status
    429:30          with "Retry-After: 30"; 503:date:30 with the HTTP date 30 seconds from now
    late:429:30     the same, a second later
    redirect        302 to /elsewhere
    hang            no answer, for as long as the client waits
    cut             the connection closes in the middle of the answer's body
    drop            the connection closes before any answer
    endless         200 and a body that does not end
With --fail-share that share of the requests after the LIST is answered with 500, at random.
"""
import argparse
import base64
import email.utils
import hashlib
import hmac
import http.server
import json
import random
import sys
import threading
import time

TOLERANCE_S = 300


def key_of(secret):
    text = secret.removeprefix("whsec_").rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def verify(secrets, headers, body):
    """None where the message is authentic, else what is wrong (Standard Webhooks 1.0.0)."""
    identity, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    if not identity or not timestamp or not headers.get("webhook-signature"):
        return "a header is missing"
    if not timestamp.isdecimal():
        return "webhook-timestamp is no number"
    if abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return "too old or too new"
    signed = f"{identity}.{timestamp}.".encode() + body
    expected = [base64.b64encode(hmac.digest(key_of(s), signed, hashlib.sha256)).decode() for s in secrets]
    for signature in headers["webhook-signature"].split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and any(hmac.compare_digest(value, e) for e in expected):
            return None
    return "no signature fits"


class Script:
    def __init__(self, responses, fail_share, seed):
        self.lock = threading.Lock()
        self.responses = [r for r in responses.split(",") if r]
        self.fail_share = fail_share
        self.random = random.Random(seed)

    def next(self):
        with self.lock:
            if self.responses:
                return self.responses.pop(0)
            return "500" if self.random.random() < self.fail_share else "200"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = self.server.script.next()
        if answer.startswith("late:"):
            time.sleep(1)
            answer = answer.removeprefix("late:")
        action, _, argument = answer.partition(":")
        status = {"redirect": 302, "cut": 200, "endless": 200, "hang": None, "drop": None}.get(action) or (
            int(action) if action.isdecimal() else None)
        self.record(body, status)
        if action in ("hang", "drop"):
            self.close_connection = True
            if action == "hang":
                self.rfile.read(1)  # returns when the client gives up
            return
        self.answer(status, action, argument)

    def answer(self, status, action, argument):
        content = b"thank you\n" if action == "200" else b"no\n"
        self.send_response(status)
        if argument:
            kind, _, seconds = argument.rpartition(":")
            after = email.utils.formatdate(time.time() + int(seconds), usegmt=True) if kind == "date" else seconds
            self.send_header("Retry-After", after)
        if action == "redirect":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(1 << 40 if action == "endless" else len(content) + 100 * (action == "cut")))
        self.end_headers()
        self.wfile.write(content)
        if action == "cut":
            self.close_connection = True
        while action == "endless":
            try:
                self.wfile.write(b"x" * 65536)
            except OSError:
                self.close_connection = True
                return

    def record(self, body, status):
        secrets = self.server.secrets
        why = verify(secrets, self.headers, body) if secrets else None
        row = {
            "received": time.time(), "path": self.path, "webhook_id": self.headers.get("webhook-id"),
            "webhook_timestamp": self.headers.get("webhook-timestamp"), "verified": why is None if secrets else None,
            "why": why, "status": status, "headers": dict(self.headers.items()), "body": body.decode("utf-8", "replace"),
        }
        with self.server.log_lock:
            print(json.dumps(row), file=self.server.log, flush=True)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that go away are what some tests are about


def main():
    parser = argparse.ArgumentParser(description="A webhook receiver for tests")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--secret", action="append", default=[])
    parser.add_argument("--log", default="-")
    parser.add_argument("--responses", default="")
    parser.add_argument("--fail-share", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    server = Server(("127.0.0.1", args.port), Handler)
    server.secrets = args.secret
    server.script = Script(args.responses, args.fail_share, args.seed)
    server.log = sys.stdout if args.log == "-" else open(args.log, "a")
    server.log_lock = threading.Lock()
    print("port", server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()


main()
