"""Runs a program on a terminal of its own (a pty), 40 rows by 120 columns.

usage: terminal.py PROGRAM ARGUMENT…

What the program writes to its terminal, by stdout or stderr, goes to this script's stdout as it comes; what
comes on this script's stdin is typed at the terminal. Exits with the program's exit code.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

pid, terminal = pty.fork()
if pid == 0:
    # Before anything is drawn: stdin is the terminal's other side.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])

sources = [terminal, 0]
while terminal in sources:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        typed = os.read(0, 1024)
        if typed:
            os.write(terminal, typed)
        else:
            sources.remove(0)
    if terminal in ready:
        try:
            shown = os.read(terminal, 65536)
        except OSError:
            # Linux's way to say that nobody has the other side open any more.
            shown = b""
        if shown:
            os.write(1, shown)
        else:
            sources.remove(terminal)

_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
