"""The `hypermaker` command: runs the chosen subcommand and turns our errors into one line.

Exit status: 0 done; 1 the venue could not be reached or the end does not add up; 2 the operator
asked for something that cannot be; 3 we left and could not show that no order is open, or with a
journal that does not say everything; 4 the kill switch has fired, and no order of ours is open.
"""

import resource
import sys

from hypermaker.errors import (
    ConfigError,
    HypermakerError,
    LatchedError,
    TapeError,
    UnsafeExitError,
)

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNSAFE = 3
EXIT_INTERRUPTED = 130
EXIT_KILLED = 4


def exit_status(error: HypermakerError) -> int:
    """Return the exit status that tells a script what kind of failure this was."""
    if isinstance(error, (ConfigError, TapeError)):
        return EXIT_USAGE
    if isinstance(error, LatchedError):
        return EXIT_KILLED
    return EXIT_UNSAFE if isinstance(error, UnsafeExitError) else EXIT_FAILED


def main(arguments: list[str] | None = None) -> None:
    """Run the command line (`sys.argv` when None); the entry point of the package."""
    # A core dump of a process that holds a key would hold the key (control S8).
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from typer.exceptions import Abort, TyperException

    from hypermaker.cli.app import app

    try:
        status = app(arguments, prog_name="hypermaker", standalone_mode=False)
    except HypermakerError as error:
        print(f"hypermaker: {error}", file=sys.stderr)
        sys.exit(exit_status(error))
    except Abort:
        sys.exit(EXIT_INTERRUPTED)
    except TyperException as error:
        said = getattr(error, "format_message", error.__str__)()
        if said:  # empty when the help was printed because no command was given
            print(f"hypermaker: {said} (hypermaker --help lists what there is)", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    sys.exit(status or 0)


if __name__ == "__main__":
    main()
