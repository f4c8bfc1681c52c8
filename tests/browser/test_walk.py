"""One user's walk through what ``runfork demo`` made, from its last line on the terminal."""

import re


def test_the_demo_ends_with_the_web_ui_open_until_ctrl_c(demo):
    ending = re.sub(r"\x1b\[[\d;]*m", "", demo.printed).partition("Look further:")[2].splitlines()

    assert ending[1] == "In the browser, until Ctrl-C:"
    assert ending[2] == f"runfork: reading {demo.directory}; Ctrl-C ends it"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/p/demo/digits\?token=\S+", ending[3])
    assert (demo.answered, demo.exit_code) == (200, 0)
    assert "Traceback" not in demo.printed
