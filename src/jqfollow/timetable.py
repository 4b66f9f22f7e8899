"""When everything that is done again and again has its turn."""

from datetime import time
from functools import partial

from jqfollow import restored
from jqfollow.beside import Beside
from jqfollow.chronicle import Chronicle
from jqfollow.keys_watch import LOOK_EVERY_S as LOOK_AT_KEYS_EVERY_S
from jqfollow.keys_watch import KeysWatch
from jqfollow.parts import Parts
from jqfollow.routine import LOOK_AWAKE_EVERY_S
from jqfollow.schedule import Schedule

PICTURES_EVERY_S = 300
LOOK_AFTER_EVERY_S = 2
TAPE_EVERY_S = 1
CORPORATE_EVERY_S = 120
WATCH_EVERY_S = 300
GAPS_EVERY_S = 5
KEEP_HOUSE_AT = time(16)
STAGES_EVERY_S = 1
TELL_EVERY_S = 1


def fill(schedule: Schedule, parts: Parts, *, beside: Beside, keys: KeysWatch, chronicle: Chronicle) -> None:
    """Gives every work its turns; they begin with `Schedule.start`."""
    sweeps, routine, notify = parts.sweeps, parts.routine, parts.settings.notify
    for name, account in parts.accounts.items():
        for seconds, sweep in (
            (1, sweeps.retry),
            (1, sweeps.cancel_overdue),
            (LOOK_AFTER_EVERY_S, sweeps.look_after),
            (PICTURES_EVERY_S, sweeps.take_picture),
        ):
            schedule.every(seconds, partial(sweep, account), f"{sweep.__name__} {name}")
    for seconds, work, name in (
        (GAPS_EVERY_S, parts.follower.tell_gaps, "tell_gaps"),
        (restored.KEEP_EVERY_S, beside.keep_high_water, "keep_high_water"),
        (LOOK_AT_KEYS_EVERY_S, keys.look, "look_at_keys"),
        (STAGES_EVERY_S, beside.keep_stages, "keep_stages"),
        (TELL_EVERY_S, chronicle.look, "chronicle"),
        (TAPE_EVERY_S, parts.recorder.look, "tape"),
        (CORPORATE_EVERY_S, parts.corporate.look, "corporate_actions"),
        (WATCH_EVERY_S, parts.watch.look, "watch"),
        (LOOK_AWAKE_EVERY_S, routine.look_awake, "look_awake"),
    ):
        schedule.every(seconds, work, name)
    schedule.at(notify.heartbeat_at, routine.send_heartbeat, "heartbeat")
    schedule.at(notify.summary_at, routine.send_summary, "summary")
    schedule.at(KEEP_HOUSE_AT, routine.keep_house, "keep_house")
    schedule.once(routine.keep_house, "keep_house")
    schedule.once(beside.learn_drift, "learn_drift")
