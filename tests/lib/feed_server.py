#!/usr/bin/env python3
"""A web server that serves feeds which grow, and fails on demand.

    feed_server.py [--host ADDRESS] [--port N] [--faults P --seed N]

It prints "PORT <n>" when it listens and ends when its standard input does
(so that it never outlives the test that started it).

Feeds come into being when first asked for:

    /feed/NAME              RSS with entries 0 .. count-1 of NAME, newest first
        ?format=rss|atom|json   ?window=K (only the newest K)   ?ttl=MINUTES
        ?dates=no   ?max_age=SECONDS   ?etag=strong|weak|none   ?gzip=1
        ?fault=SPEC (always, see below)

Entry n has the id "NAME-n", a title that ends in "number n", and was published
n minutes after 2026-01-05T00:00:00Z.  Answers carry ETag and Last-Modified and
honour If-None-Match and If-Modified-Since with 304.

What is controlled (all GET, answers are JSON):

    /control/add?feed=NAME&count=N       NAME grows by N entries
    /control/hide?feed=NAME&first=A&count=N   those entries are not listed (count=0: all are again)
    /control/edit?feed=NAME&entry=N      its title changes, its id does not
    /control/fault?feed=NAME&spec=A,B,C  the next requests of NAME fail so, one after another
    /control/log?feed=NAME               the requests so far: [{"at", "status", "fault", "headers"}]

Faults:

    500 403 404 410 ...   that status          429:S  503:S    with Retry-After: S
    429date:S             Retry-After as a date S seconds ahead
    hang:S                nothing for S seconds, then the connection is closed
    half                  half of the body that Content-Length announced
    halfchunk             half of a chunked body, without its end
    halfclose             half of a body of unannounced length
    badgzip               Content-Encoding: gzip, and it is not
    cutgzip               half of a gzip body
    drip:S                one byte every S seconds
    huge:N                a feed with N bytes of text     bomb:N  the same, gzipped
    html                  a web page instead               empty   nothing, with status 200
    301:URL 302:URL 307:URL 308:URL   a redirect (URL may be relative)
    loop                  a redirect to itself
    reset                 the connection is reset

--faults P lets any request of a feed fail with probability P by one of a mixed
bag of the above, drawn from a generator that is seeded.
"""

import argparse
import email.utils
import gzip
import html
import http.server
import json
import os
import random
import socket
import struct
import sys
import threading
import time
import urllib.parse

START = 1767571200  # 2026-01-05T00:00:00Z
MIXED = ["500", "503:1", "429:1", "429date:1", "hang:3", "half", "halfchunk", "halfclose", "badgzip", "cutgzip",
         "drip:1", "html", "empty", "loop", "reset", "302:/feed/{name}"]


class Feed:
    def __init__(self, name):
        self.name = name
        self.count = 0
        self.hidden = (0, 0)
        self.edits = {}
        self.version = 0
        self.faults = []
        self.log = []

    def numbers(self, window):
        first, count = self.hidden
        listed = [n for n in range(self.count - 1, -1, -1) if not first <= n < first + count]
        return listed[:window] if window else listed

    def title(self, n):
        return f"Example Works of {self.name} reports, revision {self.edits[n]}, number {n}" if n in self.edits \
            else f"Example Works of {self.name} reports number {n}"


class State:
    def __init__(self, options):
        self.lock = threading.Lock()
        self.feeds = {}
        self.random = random.Random(options.seed)
        self.faults = options.faults

    def feed(self, name):
        return self.feeds.setdefault(name, Feed(name))


def date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def as_rss(feed, numbers, query):
    items = []
    for n in numbers:
        when = "" if query.get("dates") == "no" else f"<pubDate>{date(START + 60 * n)}</pubDate>"
        items.append(f"<item><guid isPermaLink=\"false\">{feed.name}-{n}</guid><title>{html.escape(feed.title(n))}</title>"
                     f"<link>https://feeds.example/{feed.name}/{n}</link>"
                     f"<description>Text &lt;b&gt;number&lt;/b&gt; {n}.</description>{when}</item>")
    ttl = f"<ttl>{query['ttl']}</ttl>" if "ttl" in query else ""
    return "application/rss+xml", (f"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel>"
                                   f"<title>Feed {feed.name}</title><link>https://feeds.example/</link>"
                                   f"<description>d</description>{ttl}" + "".join(items) + "</channel></rss>\n")


def as_atom(feed, numbers, query):
    entries = "".join(
        f"<entry><id>{feed.name}-{n}</id><title>{html.escape(feed.title(n))}</title>"
        f"<link href=\"https://feeds.example/{feed.name}/{n}\"/><published>{iso(START + 60 * n)}</published>"
        f"<updated>{iso(START + 60 * n)}</updated><summary>Text number {n}.</summary></entry>" for n in numbers)
    return "application/atom+xml", (f"<?xml version=\"1.0\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">"
                                    f"<title>Feed {feed.name}</title><id>{feed.name}</id>"
                                    f"<updated>{iso(START)}</updated>{entries}</feed>\n")


def as_json(feed, numbers, query):
    items = [{"id": f"{feed.name}-{n}", "title": feed.title(n), "url": f"https://feeds.example/{feed.name}/{n}",
              "content_text": f"Text number {n}.", "date_published": iso(START + 60 * n)} for n in numbers]
    return "application/feed+json", json.dumps({"version": "https://jsonfeed.org/version/1.1",
                                                "title": f"Feed {feed.name}", "items": items})


FORMATS = {"rss": as_rss, "atom": as_atom, "json": as_json}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *arguments):
        pass

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        try:
            if url.path.startswith("/control/"):
                self.control(url.path[9:], query)
            elif url.path.startswith("/feed/"):
                self.serve(urllib.parse.unquote(url.path[6:]), query)
            else:
                self.answer(404, [])
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def control(self, verb, query):
        with self.state.lock:
            feed = self.state.feed(query["feed"])
            result = {"feed": feed.name}
            if verb == "add":
                feed.count += int(query.get("count", 1))
                feed.version += 1
                result["count"] = feed.count
            elif verb == "hide":
                feed.hidden = (int(query.get("first", 0)), int(query["count"]))
                feed.version += 1
            elif verb == "edit":
                feed.edits[int(query["entry"])] = feed.version = feed.version + 1
            elif verb == "fault":
                feed.faults += [spec for spec in query["spec"].split(",") if spec]
            elif verb == "log":
                result = feed.log
            else:
                return self.answer(404, [])
        self.answer(200, [("Content-Type", "application/json")], json.dumps(result).encode())

    def serve(self, name, query):
        with self.state.lock:
            feed = self.state.feed(name)
            fault = query.get("fault")
            if not fault and feed.faults:
                fault = feed.faults.pop(0)
            elif not fault and self.state.random.random() < self.state.faults:
                fault = self.state.random.choice(MIXED).replace("{name}", urllib.parse.quote(name))
            record = {"at": time.time(), "status": 0, "fault": fault or "", "headers": dict(self.headers.items())}
            feed.log.append(record)
            kind, text = FORMATS[query.get("format", "rss")](feed, feed.numbers(int(query.get("window", 0))), query)
            tag = f"\"{name}-{feed.version}\""
            modified = date(START + feed.version)
        if query.get("etag", "weak") == "weak":
            tag = "W/" + tag
        self.validators = [("ETag", tag), ("Last-Modified", modified)] if query.get("etag") != "none" else []
        if fault:
            record["status"] = self.fail(fault, query, kind, text.encode())
            return
        headers = [("Content-Type", kind)] + self.validators
        if "max_age" in query:
            headers.append(("Cache-Control", f"public, max-age={query['max_age']}"))
        asked = self.headers.get("If-None-Match")
        same = asked == tag if asked is not None else self.headers.get("If-Modified-Since") == modified
        if same and query.get("etag") != "none":
            record["status"] = 304
            self.answer(304, headers)
            return
        body = text.encode()
        if "gzip" in query:
            body = gzip.compress(body)
            headers.append(("Content-Encoding", "gzip"))
        record["status"] = 200
        self.answer(200, headers, body)

    def fail(self, spec, query, kind, body):
        """Answer wrongly; returns the status that was sent (0 = none)."""
        what, _, value = spec.partition(":")
        self.close_connection = True
        if what in ("301", "302", "303", "307", "308"):
            self.answer(int(what), [("Location", value)] if value else [])
            return int(what)
        if what == "loop":
            self.answer(302, [("Location", self.path)])
            return 302
        if what.endswith("date"):
            self.answer(int(what[:-4]), [("Retry-After", date(time.time() + float(value)))])
            return int(what[:-4])
        if what.isdigit():
            self.answer(int(what), [("Retry-After", value)] if value else [], b"it failed")
            return int(what)
        return getattr(self, "fail_" + what)(value, kind, body)

    def start_raw(self, headers):
        headers = headers + self.validators
        self.send_response(200)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def fail_hang(self, value, kind, body):
        time.sleep(float(value))
        return 0

    def fail_half(self, value, kind, body):
        self.start_raw([("Content-Type", kind), ("Content-Length", str(len(body)))])
        self.wfile.write(body[:len(body) // 2])
        return 200

    def fail_halfchunk(self, value, kind, body):
        self.start_raw([("Content-Type", kind), ("Transfer-Encoding", "chunked")])
        part = body[:len(body) // 2]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        return 200

    def fail_halfclose(self, value, kind, body):
        self.start_raw([("Content-Type", kind)])
        self.wfile.write(body[:len(body) // 2])
        return 200

    def fail_badgzip(self, value, kind, body):
        self.answer(200, [("Content-Type", kind), ("Content-Encoding", "gzip")], body)
        return 200

    def fail_cutgzip(self, value, kind, body):
        packed = gzip.compress(body)
        self.answer(200, self.validators + [("Content-Type", kind), ("Content-Encoding", "gzip")],
                    packed[:len(packed) // 2])
        return 200

    def fail_drip(self, value, kind, body):
        self.start_raw([("Content-Type", kind), ("Content-Length", str(len(body)))])
        for i in range(min(len(body), 60)):
            self.wfile.write(body[i:i + 1])
            self.wfile.flush()
            time.sleep(float(value))
        return 200

    def huge(self, size):
        head = b"<rss version=\"2.0\"><channel><title>"
        return head + b"a" * size + b"</title></channel></rss>"

    def fail_huge(self, value, kind, body):
        self.start_raw([("Content-Type", kind)])
        self.wfile.write(self.huge(int(value)))
        return 200

    def fail_bomb(self, value, kind, body):
        self.answer(200, [("Content-Type", kind), ("Content-Encoding", "gzip")], gzip.compress(self.huge(int(value)), 1))
        return 200

    def fail_html(self, value, kind, body):
        self.answer(200, [("Content-Type", "text/html")], b"<!DOCTYPE html><html><body><p>Welcome.</p></body></html>")
        return 200

    def fail_empty(self, value, kind, body):
        self.answer(200, [("Content-Type", kind)])
        return 200

    def fail_reset(self, value, kind, body):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        return 0


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, address):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    Handler.state = State(options)
    server = Server((options.host, options.port), Handler)
    print("PORT", server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
