"""What can send the computer to sleep while the exchange trades: read from Windows, and judged.

While the service runs it asks Windows not to sleep for want of a hand at the mouse, and Windows keeps to that on mains.
A closed lid, and on battery the idle timer of a computer with Modern Standby, send it to sleep all the same.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

LID = ("nothing", "sleep", "hibernate", "shut down")
_LID_ZH = ("不采取任何操作", "睡眠", "休眠", "关机")


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPlan:
    """The active plan; `None`: Windows does not tell. Seconds of idleness, 0 is never."""

    sleep_mains_s: int | None = None
    sleep_battery_s: int | None = None
    hibernate_mains_s: int | None = None
    hibernate_battery_s: int | None = None
    lid_mains: int | None = None
    """By `LID`."""
    lid_battery: int | None = None
    has_lid: bool = False
    has_battery: bool = False
    on_battery: bool = False

    @property
    def told(self) -> bool:
        """Whether Windows told anything of its plan."""
        return (self.sleep_mains_s, self.hibernate_mains_s, self.lid_mains) != (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """One way into sleep, and the commands that close it."""

    zh: str
    en: str
    commands: tuple[str, ...] = ()
    held: bool = False
    """While the service runs Windows does not take this way."""


def threats(plan: PowerPlan) -> Sequence[Threat]:
    """Every way into sleep that the plan leaves open, those that are not held off first."""
    found = [*_lid(plan), *_idle(plan)]
    if plan.on_battery:
        zh, en = "正在用电池：电量耗尽就会休眠或关机", "it runs on battery, which ends in hibernation or shutdown"
        found.append(Threat(zh=zh, en=en))
    return sorted(found, key=lambda threat: threat.held)


def _lid(plan: PowerPlan) -> list[Threat]:
    if not plan.has_lid:
        return []
    found = []
    for where, value, zh, en in (
        ("ac", plan.lid_mains, "插电", "on mains"),
        ("dc", plan.lid_battery if plan.has_battery else None, "用电池", "on battery"),
    ):
        if value is not None and 0 < value < len(LID):
            found.append(
                Threat(
                    zh=f"{zh}时合上盖子会{_LID_ZH[value]}",
                    en=f"{en} a closed lid means {LID[value]}",
                    commands=(
                        f"powercfg /set{where}valueindex scheme_current sub_buttons lidaction 0",
                        "powercfg /setactive scheme_current",
                    ),
                )
            )
    return found


def _idle(plan: PowerPlan) -> list[Threat]:
    found = []
    for name, what_zh, what_en, mains_s, battery_s in (
        ("standby", "睡眠", "sleeps", plan.sleep_mains_s, plan.sleep_battery_s),
        ("hibernate", "休眠", "hibernates", plan.hibernate_mains_s, plan.hibernate_battery_s),
    ):
        for where, seconds, zh, en in (
            ("ac", mains_s, "插电", "on mains"),
            ("dc", battery_s if plan.has_battery else None, "用电池", "on battery"),
        ):
            if seconds:
                minutes = max(seconds // 60, 1)
                found.append(
                    Threat(
                        zh=f"{zh}时闲置 {minutes} 分钟会{what_zh}",
                        en=f"{en} it {what_en} after {minutes} idle minutes",
                        commands=(f"powercfg /change {name}-timeout-{where} 0",),
                        held=where == "ac",
                    )
                )
    return found


def caution(plan: PowerPlan | None) -> tuple[str, str] | None:
    """What a start says, Chinese and English; `None`: nothing would send it to sleep, or nothing is known."""
    found = [threat for threat in threats(plan) if not threat.held] if plan is not None else []
    if not found:
        return None
    zh, en = ("；".join(t.zh for t in found), "; ".join(t.en for t in found))
    return (
        f"这台电脑在交易时段可能睡眠，睡着时不跟单：{zh}。办法见 jqfollow doctor",
        f"this computer may sleep during trading hours, and then follows nothing: {en}. See jqfollow doctor",
    )


def read_plan() -> PowerPlan | None:
    """The active plan of this Windows; `None` elsewhere."""
    if sys.platform == "win32":
        return _read()
    return None


if sys.platform == "win32":
    import ctypes
    import uuid
    from ctypes import wintypes

    _SLEEP = "238c9fa8-0aad-41ed-83f4-97be242c8f20"
    _STANDBY_IDLE = "29f6c1db-86da-48c5-9fdb-f2b67b1f44da"
    _HIBERNATE_IDLE = "9d7815a6-7ee4-497e-8888-515a05f02364"
    _BUTTONS = "4f971e89-eebd-4455-a8de-9e59040e7347"
    _LID_ACTION = "5ca83367-6e45-459f-a27b-476b1d01c936"
    _NO_BATTERY, _UNKNOWN = 128, 255

    class _Status(ctypes.Structure):
        _fields_ = (
            ("mains", ctypes.c_ubyte),
            ("battery", ctypes.c_ubyte),
            ("percent", ctypes.c_ubyte),
            ("saver", ctypes.c_ubyte),
            ("left_s", wintypes.DWORD),
            ("full_s", wintypes.DWORD),
        )

    def _read() -> PowerPlan:
        power = ctypes.WinDLL("powrprof")
        scheme = ctypes.c_void_p()
        known = not power.PowerGetActiveScheme(None, ctypes.byref(scheme))

        def value(group: str, setting: str, *, battery: bool) -> int | None:
            if not known:
                return None
            read = power.PowerReadDCValueIndex if battery else power.PowerReadACValueIndex
            found = wintypes.DWORD()
            names = (ctypes.create_string_buffer(uuid.UUID(text).bytes_le, 16) for text in (group, setting))
            return None if read(None, scheme, *names, ctypes.byref(found)) else int(found.value)

        capabilities = ctypes.create_string_buffer(256)
        has_lid = bool(power.GetPwrCapabilities(capabilities)) and capabilities.raw[2] != 0  # LidPresent
        status = _Status()
        told = bool(ctypes.WinDLL("kernel32").GetSystemPowerStatus(ctypes.byref(status)))
        has_battery = told and status.battery != _UNKNOWN and not status.battery & _NO_BATTERY
        return PowerPlan(
            sleep_mains_s=value(_SLEEP, _STANDBY_IDLE, battery=False),
            sleep_battery_s=value(_SLEEP, _STANDBY_IDLE, battery=True),
            hibernate_mains_s=value(_SLEEP, _HIBERNATE_IDLE, battery=False),
            hibernate_battery_s=value(_SLEEP, _HIBERNATE_IDLE, battery=True),
            lid_mains=value(_BUTTONS, _LID_ACTION, battery=False),
            lid_battery=value(_BUTTONS, _LID_ACTION, battery=True),
            has_lid=has_lid,
            has_battery=has_battery,
            on_battery=has_battery and status.mains == 0,
        )
