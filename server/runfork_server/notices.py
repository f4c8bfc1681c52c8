"""Pages that stand alone: what is said where the app cannot be shown, in its look, without a file of its own."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.responses import Response

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; worker-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""What browsers keep pages to."""

# The values of server/ui/src/styles/tokens.css.
_STYLE = """
:root { color-scheme: light dark; --paper: oklch(0.975 0.007 85); --ink: oklch(0.245 0.012 60); --ink-2: oklch(0.42 0.014 65);
  --line: oklch(0.895 0.01 85); --bed: oklch(0.64 0.014 72); --wash: oklch(0.948 0.01 85); --accent: oklch(0.455 0.105 238) }
@media (prefers-color-scheme: dark) { :root { --paper: oklch(0.198 0.008 65); --ink: oklch(0.93 0.008 85);
  --ink-2: oklch(0.79 0.01 80); --line: oklch(0.3 0.01 65); --bed: oklch(0.56 0.012 72); --wash: oklch(0.252 0.01 65);
  --accent: oklch(0.79 0.095 225) } }
* { box-sizing: border-box; margin: 0 }
body { background: var(--paper); color: var(--ink-2); font: 400 15px/24px system-ui, -apple-system, "Segoe UI", Roboto,
  "Noto Sans", "Liberation Sans", sans-serif; -webkit-font-smoothing: antialiased }
header { height: 48px; display: flex; align-items: center; gap: 8px; padding: 0 16px; border-bottom: 1px solid var(--line);
  color: var(--ink); font-weight: 600; letter-spacing: -0.015em }
main { max-width: 720px; margin: 0 auto; padding: 0 24px 48px; display: grid; gap: 16px }
h1 { font-size: 28px; line-height: 36px; font-weight: 500; letter-spacing: -0.015em; color: var(--ink) }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13px;
  color: var(--ink); overflow-wrap: anywhere }
pre { background: var(--wash); border-radius: 3px; padding: 12px 16px; overflow-x: auto; line-height: 20px }
ol { padding-left: 20px; display: grid; gap: 8px }
a { color: var(--accent); text-underline-offset: 3px }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
svg { display: block; fill: none; stroke-linecap: round }
.river { width: 100%; height: 88px; overflow: visible }
.bed { stroke: var(--bed); stroke-width: 1.5px; stroke-dasharray: 0.1 3.6 }
.water { stroke: var(--accent) }
.stop { fill: var(--paper); stroke: var(--accent) }
"""
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<title>{title} · runfork</title><style>{style}</style></head>
<body>
<header><svg width="30" height="20" viewBox="0 0 30 20" aria-hidden="true"><path d="M1 6H11" stroke="currentColor"
stroke-width="1.6"/><path class="bed" d="M11 6h9"/><path class="water" d="M9 6c5 0 4 8.5 10 8.5h6" stroke-width="3"/><circle
class="water" cx="26.5" cy="14.5" r="1.5" stroke-width="3"/></svg>runfork</header>
<main>
<svg class="river" viewBox="0 0 672 88" preserveAspectRatio="xMinYMid" aria-hidden="true"><path class="bed" d="M128 52H672"/>
<path class="water" d="M-400 52H114" stroke-width="2"/><circle class="stop" cx="121" cy="52" r="6" stroke-width="1.5"/></svg>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def notice(status: int, title: str, body: str) -> Response:
    """Return a page that stands alone.

    Args:
        status: The HTTP status.
        title: Its heading, as text.
        body: What stands below it, as HTML.
    """
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": f"{POLICY}; style-src 'sha256-{_STYLE_HASH}'"}
    return HTMLResponse(_PAGE.format(title=escape(title), style=_STYLE, body=body), status, headers=headers)


def wants_page(headers: Headers) -> bool:
    """Return whether an answer is shown to somebody as a page."""
    return "text/html" in headers.get("accept", "")


def ask_for_token(*, has_old_one: bool) -> Response:
    """Return what is shown to who comes without a token, or with one of a server that ended."""
    why = (
        "The token in this address is not, or no longer, one of this server: each start of <code>runfork ui</code> makes new ones."
        if has_old_one
        else "What this server shows is only for those who know its token, and this browser has not told it yet."
    )
    return notice(
        401,
        "This page needs its token",
        f"""<p>{why}</p>
<ol>
<li>Go to the terminal in which <code>runfork ui</code> runs. The address that it printed ends in a token:
<pre><code>http://127.0.0.1:7355/?token=1tXn0aZkq8…</code></pre></li>
<li>Open that address, all of it, in this browser. It remembers you from then on, and addresses without the token work.</li>
</ol>
<p>The terminal is not at hand? On the machine of the server, <code>runfork ui</code> in the folder of the runs prints the
address again, and changes nothing. From another person, ask for a link: <b>Copy link</b> on their page makes one with a token.</p>
<p>You have been let in meanwhile? <a href="">Open this page again</a>.</p>""",
    )


def refuse_name(host: str) -> Response:
    """Return what is shown to who came by a name that the server does not go by."""
    shown = escape(host)
    name = f"the name <code>{shown}</code>" if host else "a request without a name"
    return notice(
        403,
        "This server does not go by that name",
        f"""<p>It does not answer to {name}: any name can be made to lead to this machine, and a page of
another site could so read what is here.</p>
<ol>
<li>On the machine of the server, or through a tunnel to it, <code>http://127.0.0.1</code> or <code>http://localhost</code> with its
port always works.</li>
<li>If the name is one of yours, of a proxy, say, start the server with it:
<pre><code>runfork ui --allow-host {shown or "NAME"}</code></pre></li>
</ol>""",
    )


def miss_page(base: str) -> Response:
    """Return what is shown where there is no page; `base` leads to where the server's paths begin."""
    return notice(
        404,
        "There is no such page",
        f"""<p>Pages of a project begin with <code>/p/WORKSPACE/PROJECT</code>. The address may have been cut
off where it was copied.</p>
<p><a href="{escape(base)}">All projects</a></p>""",
    )


def tell_unbuilt(base: str) -> Response:
    """Return what is shown where the UI was not built."""
    return notice(
        503,
        "The web UI is not built",
        f"""<p>This is a checkout without it. Build it, then load this page again:</p>
<pre><code>python3 recipes.py ui</code></pre>
<p>The API answers meanwhile: <a href="{escape(base)}api/v1/openapi.json">what it offers</a>.</p>""",
    )
