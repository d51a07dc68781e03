"""The files under /home from every side that both hosts agree on.

Nothing here depends on the time of day, on inode numbers or on the order of a
directory, so that two runs can be compared byte for byte.
"""

import bz2
import errno
import gzip
import hashlib
import json
import os
import select
import shutil
import sqlite3
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib

os.chdir("/home")


def step(name, action):
    try:
        print(name, action())
    except OSError as error:
        print(name, "refused", errno.errorcode.get(error.errno, error.errno))


def text(path, content):
    with open(path, "w") as file:
        return file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def digest(path):
    return hashlib.sha256(read(path)).hexdigest()[:16]


print(sys.argv, os.environ["GREETING"], os.environ.get("MISSING"))
print([line.rstrip("\n") for line in sys.stdin])

# Directories.
step("makedirs", lambda: os.makedirs("tree/a/b/c"))
step("mkdir again", lambda: os.mkdir("tree"))
step("mkdir in nothing", lambda: os.mkdir("none/x"))
step("mkdir in a file", lambda: os.mkdir("given.txt/x"))
for number in range(300):
    text(f"tree/a/{number:03}.txt", f"{number}\n" * number)
step("listdir", lambda: hashlib.sha256("".join(sorted(os.listdir("tree/a"))).encode()).hexdigest())
step("listdir of a file", lambda: os.listdir("given.txt"))
step("walk", lambda: sorted((root, sorted(dirs), len(files)) for root, dirs, files in os.walk("tree")))
step("scandir", lambda: sorted((e.name, e.is_dir(), e.is_symlink()) for e in os.scandir("tree")))
step("rmdir full", lambda: os.rmdir("tree/a"))
step("rmdir", lambda: os.rmdir("tree/a/b/c"))
step("rmdir of a file", lambda: os.rmdir("given.txt"))

# Opening.
step("open missing", lambda: open("missing"))
step("open exclusive", lambda: open("given.txt", "x"))
step("open a directory to write", lambda: os.open("tree", os.O_WRONLY))
step("open a file as a directory", lambda: os.open("given.txt", os.O_RDONLY | os.O_DIRECTORY))
step("open above", lambda: open("/home/../../etc/passwd"))
step("open a name of 256 bytes", lambda: open("n" * 256, "w"))
step("read only", lambda: os.write(os.open("given.txt", os.O_RDONLY), b"x"))
step("write only", lambda: os.read(os.open("given.txt", os.O_WRONLY), 1))
step("closed", lambda: os.close(99))
step("odd names", lambda: [text(f"tree/{name}", name) for name in ("ü", " ", "日本", "-", "a\nb", "...")])

# Bytes.
fd = os.open("bytes", os.O_RDWR | os.O_CREAT, 0o600)
step("writev", lambda: os.writev(fd, [bytes([65 + n % 26]) * (n % 7) for n in range(500)]))
step("lseek", lambda: (os.lseek(fd, 0, os.SEEK_CUR), os.lseek(fd, -10, os.SEEK_END), os.lseek(fd, 100, os.SEEK_SET)))
step("lseek below", lambda: os.lseek(fd, -1, os.SEEK_SET))
pieces = [bytearray(n % 5) for n in range(200)]
step("readv", lambda: (os.readv(fd, pieces), b"".join(pieces)))
step("preadv", lambda: (os.preadv(fd, pieces[:50], 7), b"".join(pieces[:50])))
step("pwritev", lambda: os.pwritev(fd, [b"<", b"", b"middle", b">"], 700))
step("pread", lambda: os.pread(fd, 20, 695))
step("pread past the end", lambda: os.pread(fd, 20, 1 << 20))
step("pwrite past the end", lambda: os.pwrite(fd, b"far", 5000))
step("position kept", lambda: os.lseek(fd, 0, os.SEEK_CUR))
step("truncate", lambda: (os.ftruncate(fd, 4500), os.fstat(fd).st_size, os.ftruncate(fd, 4600), os.fstat(fd).st_size))
step("allocate", lambda: (os.posix_fallocate(fd, 0, 6000), os.fstat(fd).st_size))
step("advise", lambda: os.posix_fadvise(fd, 0, 100, 2))
step("sync", lambda: (os.fsync(fd), os.fdatasync(fd)))
os.close(fd)
with open("given.txt", "a") as file:
    file.write("appended\n")
step("append", lambda: read("given.txt"))
memory = bytearray(48 << 20)
step("read after memory grew", lambda: open("tree/a/200.txt", "rb").readinto(memory))
step("write 24 MiB", lambda: open("big", "wb").write(memoryview(memory)[: 24 << 20]))
step("digest of 24 MiB", lambda: digest("big"))
os.remove("big")
del memory

# Names.
step("rename", lambda: os.rename("tree/a/000.txt", "tree/zero"))
step("rename over", lambda: os.replace("tree/a/001.txt", "tree/zero"))
step("rename a directory", lambda: (os.rename("tree/a", "tree/renamed"), len(os.listdir("tree/renamed"))))
step("rename a directory over a file", lambda: os.rename("tree/renamed", "tree/zero"))
step("rename a file over a directory", lambda: os.rename("tree/zero", "tree/renamed"))
step("rename missing", lambda: os.rename("missing", "other"))
step("rename into itself", lambda: os.rename("tree", "tree/renamed/tree"))
step("link", lambda: (os.link("tree/zero", "tree/one"), os.stat("tree/one").st_nlink))
step("link over", lambda: os.link("tree/zero", "tree/one"))
step("unlink", lambda: (os.unlink("tree/one"), os.stat("tree/zero").st_nlink))
step("unlink a directory", lambda: os.unlink("tree"))
step("unlink missing", lambda: os.unlink("missing"))

# Symbolic links.
step("symlink", lambda: os.symlink("zero", "tree/link"))
step("readlink", lambda: os.readlink("tree/link"))
step("readlink of a file", lambda: os.readlink("tree/zero"))
step("through a link", lambda: read("tree/link"))
step("symlink over", lambda: os.symlink("zero", "tree/link"))
step("symlink to nothing", lambda: (os.symlink("nothing", "tree/dangling"), os.path.exists("tree/dangling")))
step("lstat", lambda: (os.path.islink("tree/link"), os.lstat("tree/link").st_size, os.stat("tree/link").st_size))
step("link to a link", lambda: os.link("/home/tree/link", "/home/tree/link2", follow_symlinks=False))
step("is a link", lambda: os.path.islink("tree/link2"))
step("loop", lambda: (os.symlink("loop", "tree/loop"), os.stat("tree/loop")))
step("absolute symlink", lambda: os.symlink("/home/tree/zero", "tree/absolute"))

# Times, in the whole seconds that both hosts can keep.
step("utime", lambda: os.utime("tree/zero", (1_000_000_000, 1_100_000_000)))
step("stat", lambda: (os.stat("tree/zero").st_atime_ns, os.stat("tree/zero").st_mtime_ns))
step("utime of a link", lambda: os.utime("tree/link", (5, 6), follow_symlinks=False))
step("its own", lambda: (os.lstat("tree/link").st_mtime, os.stat("tree/link").st_mtime))
step("now", lambda: (os.utime("tree/zero"), os.stat("tree/zero").st_mtime > 1_100_000_000))

# What the standard library makes of all that.
shutil.copytree("tree/renamed", "copy")
step("copytree", lambda: len(os.listdir("copy")))
step("move", lambda: shutil.move("copy/299.txt", "moved.txt"))
step("rmtree", lambda: (shutil.rmtree("copy"), os.path.exists("copy")))
with tempfile.TemporaryDirectory(dir="/home") as scratch:
    with tempfile.NamedTemporaryFile(dir=scratch) as file:
        file.write(b"scratch")
        file.flush()
        step("tempfile", lambda: (read(file.name), len(os.listdir(scratch))))
step("tempfile gone", lambda: os.path.exists(scratch))

with zipfile.ZipFile("archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for number in range(2, 100):
        archive.writestr(zipfile.ZipInfo(f"{number:03}.txt"), read(f"tree/renamed/{number:03}.txt"))
with zipfile.ZipFile("archive.zip") as archive:
    step("zip", lambda: (archive.testzip(), len(archive.namelist()), digest("archive.zip")))
    archive.extractall("unzipped")


def plain(member):
    member.mtime = 0
    member.mode = 0o644
    return member


with tarfile.open("archive.tar", "w") as archive:
    for name in sorted(os.listdir("unzipped")):
        archive.add(f"unzipped/{name}", filter=plain)
with tarfile.open("archive.tar") as archive:
    step("tar", lambda: (len(archive.getmembers()), digest("archive.tar")))
    archive.extractall("untarred", filter="data")
step("untarred", lambda: len(os.listdir("untarred/unzipped")))
with gzip.GzipFile("text.gz", "wb", mtime=0) as file:
    file.write(b"compressed " * 1000)
step("gzip", lambda: len(gzip.open("text.gz").read()))
step("bz2", lambda: len(bz2.compress(zlib.compress(read("archive.tar")))))
json.dump({"numbers": list(range(100))}, open("numbers.json", "w"), indent=1)

base = sqlite3.connect("base.db")
base.execute("create table squares (number, square)")
base.executemany("insert into squares values (?, ?)", ((n, n * n) for n in range(1000)))
base.commit()
step("sqlite", lambda: base.execute("select sum(square) from squares").fetchone())
base.execute("delete from squares where number % 2")
base.rollback()
base.execute("delete from squares where number % 3 = 0")
base.commit()
base.execute("vacuum")
step("sqlite checked", lambda: base.execute("pragma integrity_check").fetchone())
base.close()

# Waiting, without a word about how long: node:wasi can come back early.
step("waited", lambda: select.select([], [], [], 0.02))
step("select to write", lambda: [len(ready) for ready in select.select([], [1], [])])
step("random", lambda: len(set(os.urandom(8) for _ in range(100))))
step("cpu time", lambda: time.process_time() > 0)

print("no newline at the end", end="")
sys.stdout.flush()
print("to stderr", file=sys.stderr)
sys.exit(7)
