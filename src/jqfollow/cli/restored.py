"""`jqfollow restored`: what a person decides after an older data folder was put back."""

import click

from jqfollow import restored as restores
from jqfollow.cli.base import Command, say, settings_option
from jqfollow.cli.figures import moment
from jqfollow.ledger.ledger import Ledger
from jqfollow.settings import Settings


@click.command(cls=Command)
@click.option(
    "--accept", is_flag=True, help="已核对，恢复前的信号也可以跟 / checked: signals made before may be followed"
)
@settings_option
def restored(*, accept: bool, settings: Settings) -> None:
    """放回旧的数据文件夹之后：那以前的信号不跟，核对后由人放行。 / After an older data folder was put back."""
    with Ledger.open(settings.ledger_file, read_only=not accept) as ledger:
        until = ledger.read_now(restores.until)
        if until is None:
            say("账本没有倒退过，不用决定", "no older ledger was put back: nothing to decide")
            return
        if not accept:
            at = moment(until)
            say(
                f"发现账本是旧的：{at} 以前产生的信号不跟。先用 jqfollow positions 与交易终端核对，再用 --accept 放行",
                f"an older ledger was put back: signals made before {at} are not followed. Compare, then --accept",
            )
            return
        ledger.write_now(restores.accept)
    say("已放行", "accepted")
