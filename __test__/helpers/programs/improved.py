"""Each line printed is a JSON pair: what was tried, what came of it.

What node:wasi gets wrong and a WASI host should not: the caller knows the
right answers.
"""

import errno
import json
import os
import shutil

os.chdir("/home")


def step(name, action):
    try:
        outcome = action()
    except OSError as error:
        outcome = errno.errorcode.get(error.errno, error.errno)
    print(json.dumps([name, outcome]), flush=True)


def text(path, content):
    with open(path, "w") as file:
        return file.write(content)


def read(path, **options):
    with open(path, **options) as file:
        return file.read()


# Times finer than a second.
text("times", "")
step("utime", lambda: os.utime("times", ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321)))
step("stat", lambda: [str(os.stat("times").st_atime_ns), str(os.stat("times").st_mtime_ns)])
os.symlink("times", "times.link")
step("utime of a link", lambda: os.utime("times.link", ns=(1, 2_000_000_003), follow_symlinks=False))
step("lstat", lambda: os.lstat("times.link").st_mtime_ns)
source = os.stat("times").st_mtime_ns
step("copy2", lambda: (shutil.copy2("times", "times.copy"), os.stat("times.copy").st_mtime_ns == source))

# Symbolic links whose relative target begins with "..".
os.makedirs("links/deep")
text("links/target", "reached")
step("symlink up", lambda: os.symlink("../target", "links/deep/link"))
step("read up", lambda: read("links/deep/link"))
step("copytree", lambda: shutil.copytree("links", "links.copy", symlinks=True))
step("read the copy", lambda: read("links.copy/deep/link"))
step("symlink out", lambda: os.symlink("../../../secret", "links/deep/out"))

# A directory descriptor is the directory, wherever it moves.
os.makedirs("old/inner")
text("old/file", "mine")
directory = os.open("old", os.O_RDONLY | os.O_DIRECTORY)


def beneath(path, flags):
    return os.open(path, flags, dir_fd=directory)


step("create beneath", lambda: os.write(beneath("made", os.O_WRONLY | os.O_CREAT), b"x"))
os.rename("old", "new")
os.mkdir("old")
text("old/file", "another's")
step("read beneath", lambda: read("file", opener=beneath))
step("make beneath", lambda: os.mkdir("inner/made", dir_fd=directory))
step("made beneath", lambda: sorted(os.listdir("new/inner")))
step("unlink beneath", lambda: os.unlink("file", dir_fd=directory))
step("left", lambda: [os.listdir("old"), sorted(os.listdir("new"))])

# The last component of a path is followed only where the guest asks for it.
os.symlink("times", "last")
step("nofollow", lambda: os.open("last", os.O_RDONLY | os.O_NOFOLLOW))
step("rmdir of a dot", lambda: (os.mkdir("dot"), os.rmdir("dot/.")))
step("dot still there", lambda: os.path.isdir("dot"))

# What a descriptor's flags say is what they are: writing them back must not
# turn a plain file into one that only appends.
file = os.open("flags", os.O_WRONLY | os.O_CREAT)
os.write(file, b"aaaa")
step("blocking", lambda: os.get_blocking(file))
step("set blocking", lambda: os.set_blocking(file, False))
step("not blocking", lambda: os.get_blocking(file))
os.lseek(file, 0, os.SEEK_SET)
os.write(file, b"b")
step("overwritten", lambda: read("flags"))

# Outside is outside, whoever laid the links there.
step("read absolutely", lambda: read("escape.absolute/secret"))
step("list outside", lambda: os.listdir("escape"))
step("read outside", lambda: read("escape/secret"))
step("read through a link", lambda: read("secret.link"))
step("write outside", lambda: text("escape/secret", "overwritten"))
step("create outside", lambda: text("escape/created", "created"))
step("remove outside", lambda: os.unlink("escape/secret"))
step("move outside", lambda: os.rename("times.copy", "escape/moved"))
