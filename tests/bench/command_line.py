"""What the programs here have in common: their options, the choice of loads, and what must be there before the first one is run."""
import argparse
import pathlib
import signal
import sys

from tests.bench.load import CLIENT
from tests.support import peers
from tests.support.mesh import BIN

PROJECT = pathlib.Path(__file__).resolve().parents[2]


def parser(doc):
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--only", action="append", default=[], metavar="NAME",
                      help="only loads whose name contains this; may be given again")
    made.add_argument("--rounds", type=int, help="of each load; 3, with --quick 1")
    made.add_argument("--quick", action="store_true", help="small loads: whether everything works, not how fast")
    made.add_argument("--output", type=pathlib.Path, help="folder for the results, instead of docs/benchmarks")
    made.add_argument("--list", action="store_true", help="name the loads and end")
    return made


def begin(options_parser, all_cases):
    """(options, the chosen of all_cases(quick)); ends the program where nothing is to be run, or can be."""
    options = options_parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    if not options.output and not options.quick:
        options.output = PROJECT / "docs/benchmarks"
    chosen = [case for case in all_cases(options.quick) if not options.only or any(name in case.name for name in options.only)]
    if options.list or not chosen:
        print("\n".join(f"{case.name:22} {case.title}" for case in chosen) or "no load of that name")
        sys.exit(0 if chosen else 2)
    for program in (BIN / "mailmesh", CLIENT):
        if not program.exists():
            sys.exit(f"{program} is not built: deploy/local/build")
    # Stopped from outside, it takes the servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    peers.require_root()
    return options, chosen
