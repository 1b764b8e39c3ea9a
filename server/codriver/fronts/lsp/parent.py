"""Whether a process still lives. Standard library only."""

from __future__ import annotations

import os
import sys


def alive(pid: int) -> bool:
    """True while the process exists (also when it belongs to somebody else)."""
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _alive_on_windows(pid: int) -> bool:
    # os.kill(pid, 0) would end the process there.
    import ctypes

    # What is ignored exists on Windows alone.
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x00100000, False, pid)  # SYNCHRONIZE
    if not handle:
        # ERROR_ACCESS_DENIED: it exists and belongs to somebody else.
        return bool(ctypes.get_last_error() == 5)  # type: ignore[attr-defined,unused-ignore]
    waiting = kernel.WaitForSingleObject(handle, 0) == 0x102  # WAIT_TIMEOUT: has not ended
    kernel.CloseHandle(handle)
    return bool(waiting)
