"""Pages that cannot be photographed, drawn; each says so. Messages and code in them are those of program and guide."""

import html
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "guide" / "README.md"
_FONT = "'Microsoft YaHei','PingFang SC','WenQuanYi Micro Hei','Noto Sans CJK SC',sans-serif"
_MONO = "Consolas,Menlo,'WenQuanYi Zen Hei Mono','Noto Sans Mono CJK SC',monospace"
_INK, _GREY, _LINE, _PAPER, _BLUE, _RED, _GREEN = (
    "#1f2933", "#6b7785", "#d5dbe1", "#ffffff", "#2f6fdb", "#d64545", "#2f9e5a",
)  # fmt: skip
_NOTE = "示意图：照页面画的，不是截图"


@dataclass
class Drawing:
    """An SVG of so many units."""

    width: int
    height: int
    parts: list[str] = field(default_factory=list)

    def box(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        *,
        fill: str = _PAPER,
        line: str = _LINE,
        r: float = 6,
        dash: str = "",
    ) -> None:
        more = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}" fill="{fill}" stroke="{line}"{more}/>'
        )

    def text(
        self, x: float, y: float, words: str, *, size: float = 14, ink: str = _INK, bold: bool = False,
        middle: bool = False, mono: bool = False,
    ) -> None:  # fmt: skip
        style = f'font-size="{size}" fill="{ink}"' + (' font-weight="600"' if bold else "")
        style += (' text-anchor="middle"' if middle else "") + (f' font-family="{_MONO}"' if mono else "")
        self.parts.append(f'<text x="{x}" y="{y}" {style} xml:space="preserve">{html.escape(words)}</text>')

    def button(self, x: float, y: float, words: str, *, w: float = 96, fill: str = _BLUE) -> None:
        self.box(x, y, w, 32, fill=fill, line=fill, r=4)
        self.text(x + w / 2, y + 21, words, ink="#fff", middle=True)

    def field(self, y: float, name: str, value: str, *, x: float = 40, w: float = 360, marked: bool = False) -> None:
        self.text(x, y + 21, name, ink=_GREY)
        self.box(x + 120, y, w, 32, line=_RED if marked else _LINE)
        self.text(x + 132, y + 21, value, bold=marked)

    def arrow(self, x1: float, y1: float, x2: float, y2: float, words: str = "", *, ink: str = _BLUE) -> None:
        self.parts.append(
            f'<path d="M{x1} {y1} L{x2} {y2}" stroke="{ink}" stroke-width="2" fill="none" marker-end="url(#to)"/>'
        )
        if words:
            self.text((x1 + x2) / 2, min(y1, y2) - 8, words, size=12, ink=ink, middle=True)

    def ring(self, x: float, y: float, w: float, h: float) -> None:
        """What the reader is to look at."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="none" stroke="{_RED}" stroke-width="2.5"/>'
        )

    def window(self, title: str) -> None:
        """A frame with a title and the note that it is drawn."""
        self.box(0.5, 0.5, self.width - 1, self.height - 1, r=10)
        right = self.width - 0.5
        self.parts.append(
            f'<path d="M0.5 44 V10 Q0.5 0.5 10 0.5 H{self.width - 10} Q{right} 0.5 {right} 10 V44 Z" fill="#eef2f6" '
            f'stroke="{_LINE}"/>'
        )
        self.text(20, 28, title, bold=True)
        self.parts.append(
            f'<text x="{self.width - 20}" y="28" font-size="12" fill="{_RED}" text-anchor="end">{_NOTE}</text>'
        )

    def save(self, path: Path) -> None:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
            f' font-family="{_FONT}"><defs><marker id="to" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"'
            f' markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{_BLUE}"/></marker></defs>'
        )
        text = "\n".join([head, *self.parts, "</svg>"])
        path.write_text(text + "\n", encoding="utf-8", newline="\n")


def draw(folder: Path, messages: list[str]) -> None:
    """All of them; `messages`: what the program really sent."""
    for name, drawing in {
        "overview": _overview(), "server": _server(), "security-group": _security_group(), "jq-research": _research(),
        "jq-strategy": _strategy(), "jq-simulation": _simulation(), "miniqmt": _miniqmt(), "power": _power(),
        "wecom": _wecom(messages),
    }.items():  # fmt: skip
        drawing.save(folder / f"guide-{name}.svg")


def _overview() -> Drawing:
    d = Drawing(980, 330)
    d.box(0.5, 0.5, 979, 329, r=10)
    for x, w, title, lines in (
        (20, 200, "聚宽（云端）", ("你的策略", "jqfollow_client_….py", "每一笔委托，加密发出")),
        (330, 190, "公网服务器", ("frps", "只转发，打不开", "端口 7000、8888")),
        (
            640,
            320,
            "你的 Windows 电脑",
            ("frpc → 信号端口 8888", "jqfollow：验证、记账、风控、下单", "控制台 8000（只在本机）"),
        ),
    ):
        d.box(x, 40, w, 130, fill="#f5f8fb")
        d.text(x + w / 2, 66, title, bold=True, middle=True, size=15)
        for number, line in enumerate(lines):
            d.text(x + w / 2, 96 + number * 26, line, middle=True, size=13, ink=_GREY)
    d.arrow(222, 90, 328, 90, "密文")
    d.arrow(328, 128, 222, 128)
    d.text(275, 150, "签收", size=12, ink=_BLUE, middle=True)
    d.arrow(522, 90, 638, 90, "隧道（TLS）")
    d.arrow(638, 128, 522, 128)
    for x, title, line in (
        (640, "模拟盘", "练习，不花钱"), (806, "MiniQMT", "实盘，你的券商账户"),
    ):  # fmt: skip
        d.box(x, 230, 154, 70, fill="#f5f8fb")
        d.text(x + 77, 258, title, bold=True, middle=True)
        d.text(x + 77, 282, line, size=12, ink=_GREY, middle=True)
    d.arrow(717, 172, 717, 228)
    d.arrow(883, 172, 883, 228)
    d.box(330, 230, 190, 70, fill="#f5f8fb")
    d.text(425, 258, "企业微信", bold=True, middle=True)
    d.text(425, 282, "成交、拒绝、报警、汇总", size=12, ink=_GREY, middle=True)
    d.arrow(680, 172, 522, 258)
    return d


def _server() -> Drawing:
    d = Drawing(760, 400)
    d.window("云服务器 · 购买")
    for number, (name, value, marked) in enumerate(
        (
            ("套餐", "轻量应用服务器 1 核 512 MB 1 Mbps", False),
            ("地域", "离你近的，例如 上海", False),
            ("系统镜像", "Debian 12（64 位）", True),
            ("公网 IP", "分配独立公网 IPv4", True),
            ("登录方式", "密码或密钥，记下来", False),
            ("时长", "1 年", False),
        )
    ):
        d.field(70 + number * 44, name, value, marked=marked)
    d.button(600, 346, "立即购买", w=120)
    d.text(40, 368, "买好后在“实例”页里记下公网 IP，例如 203.0.113.10", ink=_GREY, size=13)
    return d


def _security_group() -> Drawing:
    d = Drawing(820, 290)
    d.window("实例 · 防火墙（安全组）· 入站规则")
    columns = (40, 170, 300, 480, 600)
    for x, name in zip(columns, ("协议", "端口", "来源", "策略", "备注"), strict=True):
        d.text(x, 82, name, ink=_GREY)
    for number, row in enumerate(
        (
            ("TCP", "22", "你自己的 IP/32", "允许", "登录服务器"),
            ("TCP", "7000", "0.0.0.0/0", "允许", "frpc 连上来"),
            ("TCP", "8888", "0.0.0.0/0", "允许", "聚宽发信号"),
        )
    ):
        y = 116 + number * 40
        d.parts.append(f'<path d="M30 {y - 24} H790" stroke="{_LINE}"/>')
        for x, words in zip(columns, row, strict=True):
            d.text(x, y, words, ink=_GREEN if words == "允许" else _INK, bold=words.isdigit())
    d.ring(160, 134, 420, 76)
    d.button(690, 236, "添加规则")
    d.text(40, 256, "8000（控制台）不要出现在这里。", ink=_RED)
    return d


def _research() -> Drawing:
    d = Drawing(820, 300)
    d.window("聚宽 · 投资研究 · 根目录")
    d.button(690, 62, "上传")
    d.ring(682, 56, 112, 44)
    for number, (name, size) in enumerate(
        (("jqfollow_client_xiaoshizhi.py", "刚刚"), ("我的因子.ipynb", "3 天前"), ("readme.md", "去年"))
    ):
        y = 138 + number * 44
        d.box(40, y - 26, 740, 38, fill="#f5f8fb" if number == 0 else _PAPER)
        d.text(60, y, name, bold=number == 0, mono=True)
        d.text(700, y, size, ink=_GREY, size=12)
    d.ring(36, 108, 748, 46)
    d.text(40, 276, "文件名不要改；研究根目录由你的所有策略共用，每个策略用自己的文件。", ink=_GREY, size=13)
    return d


def _strategy() -> Drawing:
    block = re.search(
        r"<!-- joinquant: strategy -->\n```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert block is not None
    lines = block[1].rstrip().splitlines()
    d = Drawing(860, 120 + len(lines) * 21)
    d.window("聚宽 · 策略编辑")
    d.button(620, 56, "编译运行")
    d.button(730, 56, "模拟交易")
    d.box(20, 100, 820, len(lines) * 21 + 12, fill="#f8fafc")
    for number, line in enumerate(lines):
        ours = number < 5
        y = 122 + number * 21
        d.text(32, y, f"{number + 1:>2}", mono=True, size=12, ink="#a3adb8")
        d.text(64, y, line, mono=True, size=13, ink=_BLUE if ours else _INK)
    d.ring(56, 104, 610, 5 * 21 + 6)
    d.text(680, 160, "加上这些", ink=_RED, bold=True)
    return d


def _simulation() -> Drawing:
    d = Drawing(640, 310)
    d.window("聚宽 · 新建模拟交易")
    for number, (name, value, marked) in enumerate(
        (
            ("名称", "小市值轮动", False),
            ("初始资金", "1000000", False),
            ("频率", "分钟", True),
            ("开始日期", "今天", False),
        )
    ):
        d.field(70 + number * 46, name, value, marked=marked)
    d.button(480, 256, "开始交易", w=120)
    d.text(40, 276, "一个策略名只开一个模拟交易。", ink=_GREY, size=13)
    return d


def _miniqmt() -> Drawing:
    d = Drawing(560, 330)
    d.window("QMT 交易端 · 登录")
    d.field(80, "资金账号", "88888888", w=260)
    d.field(128, "密码", "••••••••", w=260)
    d.field(176, "登录方式", "☑ 极简模式 / 独立交易", w=260, marked=True)
    d.ring(150, 168, 286, 48)
    d.button(240, 250, "登录", w=120)
    d.text(40, 312, "登录后这个窗口（或它缩小的样子）要一直开着。", ink=_GREY, size=13)
    return d


def _power() -> Drawing:
    d = Drawing(640, 300)
    d.window("Windows 设置 · 系统 · 电源")
    for number, (name, value, marked) in enumerate(
        (
            ("接通电源后，关闭屏幕", "10 分钟", False),
            ("接通电源后，进入睡眠", "从不", True),
            ("接通电源后，休眠", "从不", True),
            ("合上盖子（接通电源）", "不采取任何操作", True),
        )
    ):
        y = 70 + number * 50
        d.text(40, y + 21, name)
        d.box(360, y, 220, 32, line=_RED if marked else _LINE)
        d.text(374, y + 21, value, bold=marked)
    d.text(40, 282, "屏幕可以关，电脑不能睡。", ink=_GREY, size=13)
    return d


def _wecom(messages: list[str]) -> Drawing:
    texts = [message.splitlines()[:7] for message in messages]
    height = 74 + sum(len(lines) * 21 + 34 for lines in texts)
    d = Drawing(620, height)
    d.window("企业微信 · 跟单群")
    y = 64
    for lines in texts:
        d.box(20, y, 36, 36, fill=_BLUE, line=_BLUE)
        d.text(38, y + 24, "跟", ink="#fff", middle=True, bold=True)
        d.box(68, y, 530, len(lines) * 21 + 18, fill="#f5f8fb")
        for number, line in enumerate(lines):
            d.text(82, y + 24 + number * 21, _short(line), size=13, bold=number == 0)
        y += len(lines) * 21 + 34
    return d


def _short(line: str, most: int = 74) -> str:
    width = 0
    for number, letter in enumerate(line):
        width += 1 if letter.isascii() else 2
        if width > most:
            return line[:number] + "…"
    return line


if __name__ == "__main__":
    draw(Path(sys.argv[1]), ["✅ 已成交 买入 000001.SZ 500 股 均价 10.53\n金额 5,265.00 元"])
