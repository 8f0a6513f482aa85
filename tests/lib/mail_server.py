#!/usr/bin/env python3
"""A mail server for tests: takes what comes, says what it was, misbehaves on request.

    mail_server.py [--port N] [--log FILE] [--security none|starttls|tls] [--certificate FILE] [--login USER:PASSWORD]
                   [--refuse ADDRESS]... [--responses LIST] [--mute-quit]

Prints "port N" and serves until its standard input ends.  With starttls or tls a certificate for 127.0.0.1 is made by the
openssl command and written to FILE, for the client to trust.  With --login nothing is taken before that login.  With
--mute-quit nothing is said to a client that quits, and the connection stays open for as long as the client keeps it.

Each mail becomes a line of JSON in FILE (or on standard output): encrypted, login, sender, recipients, headers (as they
read), raw (the text as it came, latin-1), long_lines, defects (what Python's email package finds wrong), parts (type,
filename, text of each leaf).

LIST says how the first mails are answered, separated by commas; later ones get 250:
    250          taken
    451, 550...  that status where the text has come
    from:550     that status to MAIL FROM
    drop         the connection closes where the text has come
    hang         no answer there, for as long as the client waits
"""
import argparse
import asyncio
import base64
import email
import email.policy
import json
import os
import ssl
import subprocess
import sys
import tempfile


def describe(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    defects = [repr(d) for part in message.walk() for d in part.defects]
    defects += [f"{name}: {d!r}" for name, value in message.items() for d in getattr(value, "defects", ())]
    leaves = [part for part in message.walk() if not part.is_multipart()]
    return {
        "headers": {name: str(value) for name, value in message.items()},
        "header_count": len(message.items()),
        "raw": raw.decode("latin-1"),
        "long_lines": [line[:100].decode("latin-1") for line in raw.split(b"\r\n") if len(line) > 78],
        "bare_ends": raw.replace(b"\r\n", b"").count(b"\n") + raw.replace(b"\r\n", b"").count(b"\r"),
        "defects": defects,
        "structure": [part.get_content_type() for part in message.walk()],
        "parts": [{"type": part.get_content_type(), "filename": part.get_filename(),
                   "text": part.get_content().replace("\r\n", "\n") if part.get_content_maintype() == "text"
                   else part.get_content().decode("utf-8", "replace")} for part in leaves],
    }


class Session:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.encrypted = server.args.security == "tls"
        self.login = None
        self.reset()

    def reset(self):
        self.sender, self.recipients = None, []

    async def say(self, text):
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def line(self):
        return (await self.reader.readuntil(b"\r\n"))[:-2].decode("utf-8", "replace")

    async def serve(self):
        try:
            await self.say("220 mail.example test server")
            while await self.command(await self.line()):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.writer.close()

    async def command(self, line):
        verb, _, rest = line.partition(" ")
        method = getattr(self, "do_" + verb.lower(), None)
        if method is None:
            await self.say("500 what?")
            return True
        return await method(rest) is not False

    async def do_ehlo(self, _):
        extensions = ["SIZE 50000000"]
        if self.server.args.security == "starttls" and not self.encrypted:
            extensions.append("STARTTLS")
        elif self.server.args.login:
            extensions.append("AUTH GSSAPI PLAIN LOGIN")
        lines = ["mail.example", *extensions]
        for each in lines[:-1]:
            await self.say("250-" + each)
        await self.say("250 " + lines[-1])

    do_helo = do_ehlo

    async def do_starttls(self, _):
        await self.say("220 go on")
        await self.writer.start_tls(self.server.context)
        self.reader._transport = self.writer.transport  # Python 3.12 does so itself
        self.encrypted = True

    async def do_auth(self, rest):
        method, _, initial = rest.partition(" ")
        if method.upper() == "PLAIN":
            if not initial:
                await self.say("334 ")
                initial = await self.line()
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            words = []
            for prompt in ("Username:", "Password:"):
                if initial:
                    words.append(base64.b64decode(initial).decode())
                    initial = ""
                    continue
                await self.say("334 " + base64.b64encode(prompt.encode()).decode())
                words.append(base64.b64decode(await self.line()).decode())
            user, password = words
        if f"{user}:{password}" == self.server.args.login:
            self.login = user
            await self.say("235 welcome")
        else:
            await self.say("535 5.7.8 wrong user or password")

    async def do_mail(self, rest):
        answer = self.server.peek()
        if self.server.args.login and self.login is None:
            await self.say("530 5.7.0 log in first")
        elif answer.startswith("from:"):
            self.server.next()
            await self.say(answer[5:] + " not from you")
        else:
            self.sender = rest[rest.index("<") + 1:rest.index(">")]
            await self.say("250 fine")

    async def do_rcpt(self, rest):
        address = rest[rest.index("<") + 1:rest.index(">")]
        if address in self.server.args.refuse:
            await self.say("550 5.1.1 no such user here")
        else:
            self.recipients.append(address)
            await self.say("250 fine")

    async def do_data(self, _):
        if not self.recipients:
            await self.say("554 nobody to send it to")
            return None
        await self.say("354 go on")
        raw = await self.reader.readuntil(b"\r\n.\r\n")
        text = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in raw[:-5].split(b"\r\n")) + b"\r\n"
        answer = self.server.next()
        self.server.record({"encrypted": self.encrypted, "login": self.login, "sender": self.sender,
                            "recipients": self.recipients, "answer": answer, **describe(text)})
        self.reset()
        if answer == "drop":
            return False
        if answer == "hang":
            await self.reader.read(1)
            return False
        await self.say(f"{answer} so be it")
        return None

    async def do_rset(self, _):
        self.reset()
        await self.say("250 fine")

    async def do_noop(self, _):
        await self.say("250 fine")

    async def do_quit(self, _):
        if self.server.args.mute_quit:
            await self.reader.read(1)
            return False
        await self.say("221 bye")
        return False


class Server:
    def __init__(self, args):
        self.args = args
        self.responses = [r for r in args.responses.split(",") if r]
        self.log = sys.stdout if args.log == "-" else open(args.log, "a", encoding="utf-8")
        self.context = None
        if args.security != "none":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile() as key:
                subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                                "-days", "30", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                                key.name, "-out", args.certificate], check=True, capture_output=True)
                self.context.load_cert_chain(args.certificate, key.name)

    def peek(self):
        return self.responses[0] if self.responses else "250"

    def next(self):
        return self.responses.pop(0) if self.responses else "250"

    def record(self, row):
        print(json.dumps(row), file=self.log, flush=True)

    async def connected(self, reader, writer):
        await Session(self, reader, writer).serve()

    async def run(self):
        implicit = self.context if self.args.security == "tls" else None
        server = await asyncio.start_server(self.connected, "127.0.0.1", self.args.port, ssl=implicit, limit=64 << 20)
        print("port", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        os._exit(0)  # clients that hang are what some tests are about


def main():
    parser = argparse.ArgumentParser(description="A mail server for tests")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", default="-")
    parser.add_argument("--security", choices=("none", "starttls", "tls"), default="none")
    parser.add_argument("--certificate", default="")
    parser.add_argument("--login", default="")
    parser.add_argument("--refuse", action="append", default=[])
    parser.add_argument("--responses", default="")
    parser.add_argument("--mute-quit", action="store_true")
    asyncio.run(Server(parser.parse_args()).run())


main()
