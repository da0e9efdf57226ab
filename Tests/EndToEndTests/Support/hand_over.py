"""Hands listening sockets over to a program, as systemd does: sd_listen_fds(3). NAME[:NAME…] PROGRAM ARGUMENTS…"""

import fcntl
import os
import socket
import sys

names = sys.argv[1].split(":")
listeners = [socket.socket() for _ in names]
for listener in listeners:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((os.environ.get("HAND_OVER_HOST", "127.0.0.1"), 0))
    listener.listen(16)
# First out of the way of the numbers that are to be theirs.
copies = [fcntl.fcntl(listener, fcntl.F_DUPFD, 100) for listener in listeners]
for number, copy in enumerate(copies, start=3):
    os.dup2(copy, number, inheritable=True)
    os.close(copy)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])
