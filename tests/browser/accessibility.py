"""What axe-core finds in a page: names, roles, contrast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "server/ui/node_modules/axe-core/axe.min.js"

ASK = """
async (rules) => {
  const found = await axe.run(document, rules.length ? { runOnly: { type: "rule", values: rules } } : {});
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 200)}`));
}
"""


def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe-core finds wrong with what is shown now: by these rules, or by all of its own."""
    assert AXE.is_file(), "axe-core is not installed; python3 recipes.py browser does that"
    if not page.evaluate("() => 'axe' in window"):
        session = page.context.new_cdp_session(page)  # the page's own policy lets no script in
        session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        session.detach()
    found: list[str] = page.evaluate(ASK, list(rules))
    return found
