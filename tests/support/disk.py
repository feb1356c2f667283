"""Small file systems that are real, for tests of a full disk. They need root, and mounts of this process' own."""
import ctypes
import errno
import os
import pathlib
import subprocess

CLONE_NEWNS = 0x00020000


class Unavailable(Exception):
    """This process may mount nothing."""


def own_mounts():
    """A mount namespace of our own: what is mounted here goes with this process."""
    if os.geteuid() != 0:
        raise Unavailable("small file systems need root")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise Unavailable(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    if subprocess.run(["mount", "--make-rprivate", "/"], check=False, capture_output=True).returncode != 0:
        raise Unavailable("no mounts of our own: / is no mount point here")


class Disk:
    """A small file system under a role's data, and somebody else who fills it."""

    def __init__(self, folder, size):
        self.folder = pathlib.Path(folder)
        self.filler = self.folder / "somebody-else"
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], check=True, capture_output=True)

    def free(self):
        info = os.statvfs(self.folder)
        return info.f_bavail * info.f_frsize

    def fill(self):
        """To the last octets; what the ballast gives back is left. The role may write meanwhile: then a little more is."""
        with open(self.filler, "wb") as file:
            for left in (1 << 20, 2 << 20, 4 << 20, 8 << 20):
                try:
                    return os.posix_fallocate(file.fileno(), 0, max(1, self.free() - left))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def empty(self):
        self.filler.unlink(missing_ok=True)

    def close(self):
        self.empty()
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)
