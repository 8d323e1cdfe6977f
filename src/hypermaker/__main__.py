"""The `hypermaker` command: runs the chosen subcommand and turns our errors into one line.

Exit status: 0 done; 1 the venue could not be reached or the end does not add up; 2 the operator
asked for something that cannot be; 3 we left and could not show that no order is open.
"""

import resource
import sys

from hypermaker.errors import (
    ConfigError,
    HypermakerError,
    TapeError,
    UnsafeExitError,
)

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNSAFE = 3


def exit_status(error: HypermakerError) -> int:
    """Return the exit status that tells a script what kind of failure this was."""
    if isinstance(error, (ConfigError, TapeError)):
        return EXIT_USAGE
    return EXIT_UNSAFE if isinstance(error, UnsafeExitError) else EXIT_FAILED


def main() -> None:
    """Run the command line; the entry point of the package."""
    # A core dump of a process that holds a key would hold the key (control S8).
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from hypermaker.cli.app import app

    try:
        app(prog_name="hypermaker")
    except HypermakerError as error:
        print(f"hypermaker: {error}", file=sys.stderr)
        sys.exit(exit_status(error))


if __name__ == "__main__":
    main()
