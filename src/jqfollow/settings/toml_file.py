"""One TOML file: its values, the line of each key, and everything in it that is no TOML."""

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from jqfollow.settings.origins import KeyPath, Mistake, Origin

_MOST_MISTAKES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """What a file holds; with `mistakes` it is what could be read all the same."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def origin(self, path: KeyPath) -> Origin:
        """Where a key of it stands."""
        return Origin(name=self.name, line=self.lines.get(path))


def read_toml(path: Path) -> TomlFile:
    """The file at `path`; one that cannot be read has a mistake and no values."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return _unread(
            path,
            f"找不到配置文件 {path}；在空文件夹里运行 jqfollow serve 会生成一份 / "
            "there is no such file; jqfollow serve writes one into an empty folder",
        )
    except OSError as error:
        return _unread(path, f"无法读取 {path}：{error.strerror} / cannot be read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unread(
            path,
            f"{path} 第 {line} 行不是 UTF-8 编码（可能是 GBK），请在编辑器中另存为 UTF-8 / "
            f"line {line} is not UTF-8 (GBK, perhaps): save the file as UTF-8",
        )
    return parse_toml(text, path.name)


def parse_toml(text: str, name: str) -> TomlFile:
    """The values of `text`, of a file of that name; a line that is wrong is told and left out."""
    lines, mistakes = text.replace("\r\n", "\n").split("\n"), list[Mistake]()
    values: dict[str, Any] = {}
    while len(mistakes) < _MOST_MISTAKES:
        try:
            values = tomllib.loads("\n".join(lines), parse_float=Decimal)
            break
        except tomllib.TOMLDecodeError as error:
            number = _line_of(error, len(lines))
            wrong = lines[number - 1]
            zh, en = hint(wrong, str(error))
            mistakes.append(_mistake(name, number, f"不是有效的 TOML{zh} / is not valid TOML: {error}{en}"))
            # What follows a header that cannot be read, or a bracket that is never closed, cannot be judged.
            if wrong.lstrip().startswith("[") or (len(mistakes) > 1 and _next_to(mistakes[-2], number)):
                break
            lines[number - 1] = ""
        except (InvalidOperation, RecursionError, ValueError) as error:  # also a number of 5,000 digits
            mistakes.append(_mistake(name, None, f"不是有效的 TOML / is not valid TOML: {type(error).__name__}"))
            break
    return TomlFile(name=name, values=values, lines=_positions(lines) if values else {}, mistakes=mistakes)


def _unread(path: Path, what: str) -> TomlFile:
    return TomlFile(name=path.name, mistakes=[Mistake(path=(), origin=None, what=what)])


def _mistake(name: str, line: int | None, what: str) -> Mistake:
    return Mistake(path=(), origin=Origin(name=name, line=line), what=what)


def _next_to(before: Mistake, line: int) -> bool:
    return before.origin is not None and before.origin.line in {line, line - 1}


def _line_of(error: tomllib.TOMLDecodeError, last: int) -> int:
    found = re.search(r"line (\d+)", str(error))
    return min(int(found[1]), last) if found else last


def _positions(lines: list[str]) -> dict[KeyPath, int]:
    """The line of each key of a file that is TOML: a statement is the fewest lines that are TOML by themselves."""
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    statement, begun = "", 0
    for number, line in enumerate(lines, start=1):
        if not statement:
            begun = number
        statement += f"{line}\n"
        try:
            values = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue  # it goes on in the next line
        if line.lstrip().startswith("[") and begun == number:
            table = _header(values)
            found.setdefault(table, begun)
        else:
            for path in _paths(values):
                found.setdefault((*table, *path), begun)
        statement = ""
    return found


def _header(values: dict[str, Any]) -> KeyPath:
    path: KeyPath = ()
    here: Any = values
    while isinstance(here, dict) and here:
        [(key, here)] = here.items()
        path = (*path, key)
    return path


def _paths(values: dict[str, Any]) -> list[KeyPath]:
    below = [(key, *path) for key, value in values.items() if isinstance(value, dict) for path in _paths(value)]
    return [*((key,) for key in values), *below]


_TIMES = {"千": 1_000, "万": 10_000, "亿": 100_000_000}
_SECTION = ("小节名只用英文、数字、. _ -，中文名写进 title",
            "a section's name is of letters, digits, . _ - alone; other names belong in title")  # fmt: skip
_UNIT = re.compile(r"=\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([千万亿]?)\s*(?:元|块|股|手|秒|分钟|小时|天|个|笔|倍|[千万亿])")
_PATTERNS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), zh, en)
    for pattern, zh, en in (
        (r"^\s*\[[^\]\"']*[^\x00-\x7f“”‘’［］]", *_SECTION),
        (r"[“”‘’＝，［］｛｝：；]", "这一行有中文标点，请改用英文标点", "the line has full-width punctuation"),
        (r"[\uff01-\uff5e\u3000]", "这一行有全角字符，请改成半角", "the line has full-width characters"),
        (r"^\s*\[[^\]]*$", "小节名后面缺少 ]", "a ] is missing after the section's name"),
        (r"=\s*(?:True|TRUE|False|FALSE)\b", "是非请写成小写的 true 或 false", "write true or false in small letters"),
        (r"=\s*$", "等号后面没有值", "there is no value after ="),
        (r"^\s*[\w.-]+\s*:", "请用等号 =，不用冒号", "use =, not a colon"),
        (r"=\s*[A-Za-z]:[\\/]", "路径要加单引号：'D:\\QMT\\userdata_mini'", "put a path in single quotes"),
        (r"=\s*(?!true\b|false\b|inf\b|nan\b)[A-Za-z\u4e00-\u9fff]", "文字要加引号", "put a text in quotes"),
        (r"^[^\"']*(?:\"[^\"]*|'[^']*)$", "引号没有成对", "a quote is not closed"),
        (r"^[^\[\]\"']*=\s*\[[^\]]*$", "方括号没有成对", "a bracket is not closed"),
    )
)


def hint(line: str, said: str = "") -> tuple[str, str]:
    """What a person has probably meant by a line, in both languages, with what separates it from the words before.

    `said`: how the parser put it.
    """
    if "overwrite" in said or "twice" in said:
        return "；这一项前面已经写过，请只留一处", "; it stands there twice: keep one"
    code = line.split("#", 1)[0]  # a comment may hold anything
    if "\\" in code and '"' in code:
        path = "'D:\\QMT\\userdata_mini'"
        return f"；Windows 路径请用单引号：{path}", f"; put a Windows path in single quotes: {path}"
    if found_percent := re.search(r"=\s*(\d+(?:\.\d+)?)\s*[%％]", code):
        share = f"{Decimal(found_percent[1]) / 100:f}"
        return f"；百分数请写成小数：{share}", f"; write a percentage as a decimal number: {share}"
    if unit := _UNIT.search(code):
        times = (
            _TIMES.get(unit[2], 1) if unit[2] else next((n for word, n in _TIMES.items() if unit[0].endswith(word)), 1)
        )
        figure = f"{(Decimal(unit[1].replace('_', '')) * times).normalize():f}"
        return f"；数字后面不写单位：{figure}", f"; write the number without its unit: {figure}"
    told = next(((zh, en) for pattern, zh, en in _PATTERNS if pattern.search(code)), None)
    return ("", "") if told is None else (f"；{told[0]}", f"; {told[1]}")
