"""The command line: one small file a command; heavy rooms are imported only when they are used."""

import typer

from hypermaker.cli.calibrate import calibrate
from hypermaker.cli.config import config
from hypermaker.cli.demo import demo
from hypermaker.cli.exchange import exchange
from hypermaker.cli.explain import explain
from hypermaker.cli.replay import replay
from hypermaker.cli.reset import reset
from hypermaker.cli.run import run
from hypermaker.cli.version import version

app = typer.Typer(
    help="A market maker for Hyperliquid perpetuals, and a local Hyperliquid to try it on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # those print local variables, and a key may be one
)
app.command()(demo)
app.command()(run)
app.command()(exchange)
app.command()(replay)
app.command()(explain)
app.command()(calibrate)
app.command()(reset)
app.command()(version)
app.add_typer(config, name="config")
