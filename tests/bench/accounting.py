"""What a server used of the machine: CPU and memory of all its processes, also of those that have ended."""
import collections
import os
import pathlib

CPUACCT = pathlib.Path("/sys/fs/cgroup/cpuacct")
UNIFIED = pathlib.Path("/sys/fs/cgroup")


def children_of(root):
    """The process and all below it."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue  # it has ended
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def command_of(process):
    """Its name, "" if it has ended."""
    try:
        return pathlib.Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def program_of(process):
    """The file name of its program, "" if it has ended."""
    try:
        return os.path.basename(os.readlink(f"/proc/{process}/exe"))
    except OSError:
        return ""


class Account:
    """The processes below `root`, from now on: a control group of their own, where the machine has them (version 1's cpuacct, or
    version 2). Without one, times of ended children are known only after they were waited for."""

    def __init__(self, name, root):
        self.root = root
        self.group = self._make_group(f"mailmesh-bench-{os.getpid()}-{name}")
        if self.group:
            self._move_all()

    @staticmethod
    def _make_group(name):
        for base, probe in ((CPUACCT, "cpuacct.usage"), (UNIFIED, "cpu.stat")):
            try:
                group = base / name
                group.mkdir()
            except OSError:
                continue
            if (group / probe).exists():
                return group
            group.rmdir()
        return None

    def _move_all(self):
        # Again until nothing is found outside, as they fork while we look.
        while outside := set(children_of(self.root)) - set(self._in_group()):
            for process in outside:
                try:
                    (self.group / "cgroup.procs").write_text(str(process))
                except OSError:
                    continue

    def _in_group(self):
        return [int(line) for line in (self.group / "cgroup.procs").read_text().split()]

    def processes(self):
        return self._in_group() if self.group else children_of(self.root)

    def cpu_seconds(self):
        if not self.group:
            return sum(self._process_seconds(process) for process in self.processes())
        if (usage := self.group / "cpuacct.usage").exists():
            return int(usage.read_text()) / 1e9
        fields = dict(line.split() for line in (self.group / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e6

    @staticmethod
    def _process_seconds(process):
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return 0
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def cpu_by_program(self):
        """{program: seconds}, of the processes that run: to a hundredth of a second, which is the kernel's own measure."""
        return self._by_program(self._process_seconds)

    def pss_by_program(self):
        """{program: KiB}"""
        return self._by_program(self._process_pss)

    def _by_program(self, figure):
        found = collections.defaultdict(float)
        for process in self.processes():
            found[program_of(process)] += figure(process)
        return found

    def pss_kib(self):
        """Proportional set size: pages that processes share are counted once."""
        return sum(self._process_pss(process) for process in self.processes())

    @staticmethod
    def _process_pss(process):
        try:
            lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    def close(self):
        """After the processes have ended."""
        if self.group:
            try:
                self.group.rmdir()
            except OSError:
                pass
