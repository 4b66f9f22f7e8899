"""The page for whoever opens the console without its link."""

import base64
import hashlib

from starlette.responses import HTMLResponse

_STYLE = """
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#0f1720;color:#e6edf3;
font:16px/1.6 system-ui,"Microsoft YaHei","PingFang SC","Noto Sans CJK SC",sans-serif}
main{width:min(26rem,88vw)}h1{font-size:1.4rem;margin:0 0 .5rem}p{color:#9fb0c0;margin:.3rem 0 1rem}
code{background:#1d2733;padding:.1rem .35rem;border-radius:4px;word-break:break-all}
input,button{font:inherit;width:100%;box-sizing:border-box;padding:.6rem .8rem;
border-radius:8px;border:1px solid #33414f}
input{background:#16202b;color:inherit;margin-bottom:.6rem}
button{background:#2f81f7;border-color:#2f81f7;color:#fff;cursor:pointer}
:focus-visible{outline:3px solid #79b8ff;outline-offset:2px}.bad{color:#ff9d8f}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_FAILED = '<p class="bad" role="alert">令牌不对，请重试。<br>That is not the token; try again.</p>'
_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>jqfollow 控制台</title><style>{style}</style></head>
<body><main><h1>jqfollow 控制台</h1>
<p>请打开启动时显示的链接，或粘贴数据目录中 <code>console.token</code> 文件的内容。<br>
Open the link shown at the first start, or paste the content of <code>console.token</code> in the data folder.</p>
{failed}<form method="post" action="/login">
<input type="password" name="token" aria-label="令牌 / token" placeholder="令牌 / token" autocomplete="current-password"
 required autofocus><button>进入 / Open</button></form></main></body></html>
"""


def login_page(status: int, *, failed: bool = False) -> HTMLResponse:
    """The page, needing no other file."""
    page = _PAGE.format(style=_STYLE, failed=_FAILED if failed else "")
    return HTMLResponse(page, status, headers={"content-security-policy": _POLICY, "cache-control": "no-store"})
