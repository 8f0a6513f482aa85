#!/usr/bin/env bash
# What systemd is told: ready when it is, alive in time, reloading with its stamp, stopping, and a status to read.
source "$(dirname "$0")/../lib/e2e.sh"
need python3
python3 - "$bellwether" "$scratch" <<'PY' || fail "the notifications, see above"
import json, os, re, signal, socket, subprocess, sys, time

program, scratch = sys.argv[1:]
PATIENCE = 60
with open(scratch + "/tape.jsonl", "w") as out:
    for n in range(50):
        out.write(json.dumps({"id": f"t-{n}", "published": f"2026-01-05T00:{n:02d}:00Z", "title": f"Northwind {n}", "polarity": "neutral"}) + "\n")
config = scratch + "/watchdog.yaml"
def write_config(extra=""):
    with open(config, "w") as out:
        out.write(f"database: {scratch}/watchdog.db\nhttp: {{listen: ''}}\nsources:\n"
                  f"  - {{name: tape, file: {{path: {scratch}/tape.jsonl}}}}\n"
                  f"topics:\n  - {{name: northwind, any: [Northwind]}}\n{extra}")


class Listener:
    """The other end of NOTIFY_SOCKET: (monotonic time of arrival, {key: value})."""
    def __init__(self, name, abstract=False):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.address = "@" + name if abstract else f"{scratch}/{name}"
        self.socket.bind("\0" + name if abstract else self.address)
        self.seen = []

    def next(self, wait):
        self.socket.settimeout(max(wait, 0.001))
        try:
            text = self.socket.recv(65536).decode()
        except TimeoutError:
            return None
        self.seen.append((time.monotonic(), dict(line.split("=", 1) for line in text.splitlines())))
        return self.seen[-1]

    def until(self, what, test):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            message = self.next(deadline - time.monotonic())
            if message and test(message[1]):
                return message
        sys.exit(f"waited {PATIENCE} s: {what}; last: {self.seen[-5:]}")


def start(listener, watchdog_us=None, name="daemon"):
    environment = {**os.environ, "NOTIFY_SOCKET": listener.address}
    environment.pop("WATCHDOG_USEC", None)
    environment.pop("WATCHDOG_PID", None)
    if watchdog_us:
        environment["WATCHDOG_USEC"] = str(watchdog_us)
    return subprocess.Popen([program, "run", "--config", config], env=environment, stdin=subprocess.DEVNULL,
                            stderr=open(f"{scratch}/{name}.log", "w"))


def stop(child):
    child.send_signal(signal.SIGTERM)
    assert child.wait(PATIENCE) == 0, child.returncode


# ---- ready, alive, status ----
write_config()
notify = Listener("notify")
daemon = start(notify, 3_000_000)
try:
    notify.until("READY=1", lambda m: m.get("READY") == "1")
    assert not any("WATCHDOG" in m for _, m in notify.seen), "alive before ready"
    beats = [notify.until("WATCHDOG=1", lambda m: m.get("WATCHDOG") == "1")[0] for _ in range(5)]
    longest = max(b - a for a, b in zip(beats, beats[1:]))
    print(f"longest pause between two WATCHDOG=1: {longest:.2f} s of 3")
    assert longest < 3, longest
    status = notify.until("the stored documents in STATUS", lambda m: "50 documents" in m.get("STATUS", ""))[1]["STATUS"]
    print("STATUS:", status)

    # ---- a reload: its stamp is the monotonic clock's, then ready again; also where the file is wrong ----
    for extra, word in ("rules: []\n", "reloaded"), ("rules: [}\n", "the old configuration stays in force"):
        write_config(extra)
        before = time.monotonic_ns() // 1000
        daemon.send_signal(signal.SIGHUP)
        _, message = notify.until("RELOADING=1", lambda m: m.get("RELOADING") == "1")
        stamp = int(message["MONOTONIC_USEC"])
        assert before <= stamp <= time.monotonic_ns() // 1000, (before, stamp)
        notify.until("READY=1 after a reload", lambda m: m.get("READY") == "1")
        assert word in open(scratch + "/daemon.log").read(), word
    notify.until("alive after the reloads", lambda m: m.get("WATCHDOG") == "1")

    # ---- a second daemon waits: not ready, and says for whom ----
    write_config()
    second_notify = Listener("second")
    second = start(second_notify, name="second")
    waiting = second_notify.until("STATUS of one who waits", lambda m: "waiting" in m.get("STATUS", ""))[1]["STATUS"]
    assert str(daemon.pid) in waiting, waiting
    stop(second)
    while second_notify.next(0.1):
        pass
    assert not any(m.get("READY") == "1" for _, m in second_notify.seen), second_notify.seen

    # ---- stopping ----
    stop(daemon)
    notify.until("STOPPING=1", lambda m: m.get("STOPPING") == "1")
    while notify.next(0.2):
        assert "WATCHDOG" not in notify.seen[-1][1], "alive after STOPPING=1"
finally:
    daemon.kill()

# ---- without a watchdog none is fed; an abstract socket does as well; the journal's prefixes ----
plain = Listener(f"bellwether-e2e-{os.getpid()}", abstract=True)
os.environ["JOURNAL_STREAM"] = "8:1"
daemon = start(plain, name="plain")
try:
    plain.until("READY=1", lambda m: m.get("READY") == "1")
    for _ in range(3):
        plain.until("a STATUS", lambda m: "STATUS" in m)
    assert not any("WATCHDOG" in m for _, m in plain.seen), plain.seen
    stop(daemon)
finally:
    daemon.kill()
lines = open(scratch + "/plain.log").read().splitlines()
assert lines and all(re.match("<[3-7]>", line) for line in lines), lines

# ---- a watchdog of a second is fed twice a second ----
short = Listener("short")
daemon = start(short, 1_000_000, name="short")
try:
    beats = [short.until("WATCHDOG=1", lambda m: m.get("WATCHDOG") == "1")[0] for _ in range(8)]
    pauses = sorted(b - a for a, b in zip(beats, beats[1:]))
    assert pauses[len(pauses) // 2] < 0.75, pauses
    stop(daemon)
finally:
    daemon.kill()

# ---- a daemon that cannot start says so, and is not ready ----
write_config("rules: [}\n")
broken = Listener("broken")
daemon = start(broken, name="broken")
assert daemon.wait(PATIENCE) == 2, daemon.returncode
while broken.next(0.1):
    pass
assert not any(m.get("READY") == "1" for _, m in broken.seen), broken.seen
PY
echo "READY, WATCHDOG, RELOADING, STATUS and STOPPING as systemd expects them"
