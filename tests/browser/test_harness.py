"""That these tests see what they are there to see."""

import numpy as np
import pytest
from tests.browser import accessibility, frames, screens
from tests.browser.contexts import Contexts
from tests.browser.visits import Visit
from tests.browser.watching import Watch

HOME = "http://127.0.0.1:9/"


@pytest.fixture
def open_page(browser):
    """Open a page of so much HTML, with a watch that no test is held to."""
    contexts = []

    def open_page(html):
        def answer(route):
            if route.request.url == HOME:
                route.fulfill(body=f"<!doctype html><html lang=en><title>t</title>{html}", content_type="text/html")
            else:
                route.fulfill(status=int(route.request.url[-3:]))

        context = browser.new_context(viewport={"width": 300, "height": 200})
        contexts.append(context)
        watch = Watch()
        watch.follow(context)
        context.route(f"{HOME}**", answer)
        page = context.new_page()
        page.goto(HOME)
        watch.settle(page)
        return page, watch

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("console.error('broken')", "console: broken"),
        ("throw new Error('wrong')", "uncaught: Error: wrong"),
        ("Promise.reject(new Error('unheeded'))", "uncaught: Error: unheeded"),
        ("fetch('http://192.0.2.1/x').catch(() => 0)", "elsewhere: http://192.0.2.1/x"),
        ("new Image().src = '//example.com/x.png'", "elsewhere: http://example.com/x.png"),
        ("fetch('/500')", "500 GET"),
        ("fetch('/404')", "404 GET"),
    ],
)
def test_what_no_page_may_do_is_noted(open_page, script, trouble):
    _, watch = open_page(f"<script>{script}</script>")

    assert any(one.startswith(trouble) for one in watch.troubles()), watch.troubles()


def test_a_silent_page_is_no_trouble(open_page):
    _, watch = open_page("<script>console.log('fine'); fetch('/204')</script>")

    assert watch.troubles() == []
    assert watch.requests == ["GET /", "GET /204"]


def test_what_is_allowed_passes_and_nothing_else(open_page):
    _, watch = open_page("<script>fetch('/404'); console.error('broken')</script>")
    watch.allow("^404 GET .*/404$")

    assert [one.partition(" (")[0] for one in watch.troubles()] == ["console: broken"]


def test_a_page_has_settled_when_its_answers_are_drawn(open_page):
    late = (
        "fetch('/204').then(() => fetch('/200')).then(() => requestAnimationFrame(() => document.body.append('late')))"
    )
    page, _ = open_page(f"<body><script>{late}</script>")

    assert page.locator("body").inner_text() == "late"


def test_pixels_are_those_that_are_shown(open_page):
    page, _ = open_page("<body style='margin:0'><div style='width:30px;height:20px;background:rgb(200,40,10)'>")

    found = screens.pixels_of(page)
    near = screens.is_near(found, (200, 40, 10))

    assert found.shape == (200, 300, 3)
    assert near.sum() == 600
    assert near[:20, :30].all()
    assert list(screens.column_saturation(found)[[0, 29, 30, 299]]) == [190, 190, 0, 0]
    assert screens.difference(found, np.full_like(found, 255)) == pytest.approx(600 / 60_000)


def test_a_frame_that_is_late_is_seen(open_page):
    busy = "onscroll = () => { const end = performance.now() + 60; while (performance.now() < end); }"
    tall = "<div id=all style='height:100px;overflow:auto'><div style='height:9000px'></div></div>"
    quick, _ = open_page(tall)
    slow, _ = open_page(f"{tall}<script>document.querySelector('#all').{busy}</script>")

    assert frames.scroll(slow, "#all", frames=20, pixels=10).p50 > 55
    assert frames.scroll(quick, "#all", frames=20, pixels=10).frames == 20


def test_frames_are_recorded_until_they_are_asked_for(open_page):
    page, watch = open_page("<p>text")
    frames.start_recording(page)
    watch.settle(page)

    assert frames.stop_recording(page).frames >= 4


def test_a_page_has_nothing_of_those_before_it(browser, seeded_ui):
    stored = """() => {
      const before = [document.cookie, localStorage.length, sessionStorage.length];
      document.cookie = "seen=1";
      localStorage.setItem("seen", "1");
      sessionStorage.setItem("seen", "1");
      return before;
    }"""
    kept, found = Contexts(browser), []
    for _ in range(2):
        visit = Visit(kept, Watch())
        page = visit(seeded_ui)
        page.context.grant_permissions(["clipboard-read"])
        found.append((page.context, page.evaluate(stored)))
        visit.close()
    seen = Watch()
    page = Visit(kept, seen)(seeded_ui, logs_in=False)

    assert found[0] == found[1]
    assert page.context is found[0][0]
    assert "needs its token" in page.locator("body").inner_text()
    assert (
        page.evaluate("() => navigator.permissions.query({ name: 'clipboard-read' }).then((one) => one.state)")
        == "prompt"
    )
    page.context.close()


def test_what_has_no_name_is_found(open_page):
    page, _ = open_page("<main><h1>t</h1><button></button></main>")

    assert [one.partition(":")[0] for one in accessibility.violations(page)] == ["button-name"]
    assert accessibility.violations(page, "image-alt") == []
