#!/usr/bin/env python3
"""Runs a command under the restrictions of a systemd unit, without systemd as init.

    sandbox.py UNIT STATE_DIRECTORY -- COMMAND [ARG...]

What is enforced, read from the unit itself: SystemCallFilter with SystemCallErrorNumber, RestrictAddressFamilies and
MemoryDenyWriteExecute (by seccomp), ProtectSystem=strict with STATE_DIRECTORY as the only place to write (and /tmp, fresh,
under PrivateTmp), ProtectHome, NoNewPrivileges, an empty capability set, an unprivileged user, UMask.  Needs root.
Exit 77 with a reason where the machine lacks something.
"""

import ctypes
import ctypes.util
import errno
import os
import re
import socket
import subprocess
import sys

NOBODY = 65534
CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_SET_NO_NEW_PRIVS = 38
SCMP_ACT_ALLOW, SCMP_CMP_EQ, SCMP_CMP_NE, SCMP_CMP_MASKED_EQ = 0x7FFF0000, 4, 1, 7
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000

libc = ctypes.CDLL(None, use_errno=True)


def skip(reason):
    print(reason)
    sys.exit(77)


def read_unit(path):
    """{key: [values in order]}; an empty value clears the list, as systemd does."""
    unit = {}
    for line in open(path, encoding="utf-8"):
        match = re.match(r"([A-Z][A-Za-z]+)=(.*)", line.strip())
        if match and match[2]:
            unit.setdefault(match[1], []).append(match[2])
        elif match:
            unit[match[1]] = []
    return unit


def expand(group, seen=None):
    """The system calls of "@group" or of one name."""
    if not group.startswith("@"):
        return {group}
    seen = seen if seen is not None else set()
    if group in seen:
        return set()
    seen.add(group)
    listing = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", group], capture_output=True, text=True,
                             check=True).stdout
    names = [line.strip() for line in listing.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*(expand(name, seen) for name in names)) if names else set()


def allowed_calls(filters):
    allowed = expand("@default")
    for value in filters:
        deny = value.startswith("~")
        for word in value.lstrip("~").split():
            allowed = allowed - expand(word) if deny else allowed | expand(word)
    return allowed


class Arg(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Seccomp:
    def __init__(self, number):
        self.lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.deny = 0x00050000 | number
        self.filters = []

    def new(self, default):
        context = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(default)))
        self.filters.append(context)
        return context

    def rule(self, context, action, name, *args):
        call = self.lib.seccomp_syscall_resolve_name(name.encode())
        if call >= 0:
            array = (Arg * max(1, len(args)))(*args)
            rc = self.lib.seccomp_rule_add_array(context, ctypes.c_uint32(action), call, len(args), array)
            if rc not in (0, -errno.EEXIST):
                sys.exit(f"seccomp: {name}: {os.strerror(-rc)}")

    def load(self):
        for context in self.filters:
            rc = self.lib.seccomp_load(context)
            if rc != 0:
                skip(f"a system call filter cannot be set here: {os.strerror(-rc)}")


def build_filters(unit):
    number = getattr(errno, unit.get("SystemCallErrorNumber", ["EPERM"])[0])
    seccomp = Seccomp(number)
    if unit.get("SystemCallFilter"):
        calls = seccomp.new(seccomp.deny)
        for name in sorted(allowed_calls(unit["SystemCallFilter"])):
            seccomp.rule(calls, SCMP_ACT_ALLOW, name)
        # What the launcher itself still has to do behind the filter: start the command, and add the filters below.
        for name in ("execve", "seccomp", "prctl"):
            seccomp.rule(calls, SCMP_ACT_ALLOW, name)
    if unit.get("RestrictAddressFamilies"):
        families = {getattr(socket, name) for name in " ".join(unit["RestrictAddressFamilies"]).split()}
        sockets = seccomp.new(SCMP_ACT_ALLOW)
        for family in set(range(1, 46)) - {int(f) for f in families}:
            seccomp.rule(sockets, 0x00050000 | errno.EAFNOSUPPORT, "socket", Arg(0, SCMP_CMP_EQ, family, 0))
    if unit.get("MemoryDenyWriteExecute") == ["yes"]:
        memory = seccomp.new(SCMP_ACT_ALLOW)
        both = PROT_WRITE | PROT_EXEC
        seccomp.rule(memory, seccomp.deny, "mmap", Arg(2, SCMP_CMP_MASKED_EQ, both, both))
        seccomp.rule(memory, seccomp.deny, "mprotect", Arg(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC))
        seccomp.rule(memory, seccomp.deny, "pkey_mprotect", Arg(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC))
        seccomp.rule(memory, seccomp.deny, "shmat", Arg(2, SCMP_CMP_MASKED_EQ, SHM_EXEC, SHM_EXEC))
    return seccomp


def mount(source, target, kind, flags, data=None):
    if libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, data.encode() if data else None):
        return ctypes.get_errno()
    return 0


def make_read_only(state, private_tmp):
    if libc.unshare(CLONE_NEWNS) != 0:
        skip(f"a mount namespace cannot be made here: {os.strerror(ctypes.get_errno())}")
    error = mount("none", "/", None, MS_REC | MS_PRIVATE) or mount(state, state, None, MS_BIND)
    if error:
        skip(f"nothing can be mounted here: {os.strerror(error)}")
    if private_tmp and not state.startswith("/tmp/"):
        mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777,size=64m")
    targets = [line.split()[4] for line in open("/proc/self/mountinfo")]
    for target in targets:
        writable = target == state or target == "/tmp" or re.match(r"/(dev|proc|sys)(/|$)", target)
        if not writable:
            mount("none", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def drop_privileges():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)  # an unprivileged user: the kernel clears every capability
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def main():
    if "--" not in sys.argv or sys.argv.index("--") != 3:
        sys.exit(__doc__)
    unit, state, command = read_unit(sys.argv[1]), os.path.realpath(sys.argv[2]), sys.argv[4:]
    if os.geteuid() != 0:
        skip("the sandbox needs root")
    if not ctypes.util.find_library("seccomp") or subprocess.run(["which", "systemd-analyze"], capture_output=True).returncode:
        skip("libseccomp or systemd-analyze is not installed")
    seccomp = build_filters(unit)
    os.chown(state, NOBODY, NOBODY)
    make_read_only(state, unit.get("PrivateTmp") == ["yes"])
    os.umask(int(unit.get("UMask", ["0022"])[0], 8))
    drop_privileges()
    seccomp.load()
    os.execvp(command[0], command)


main()
