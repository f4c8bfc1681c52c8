import { afterEach, describe, expect, it, vi } from "vitest";
import { isHelpShown, keepKeys, known, shortcut } from "./keys";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});
keepKeys();

function press(key: string, target: EventTarget = document.body): void {
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
}

describe("shortcuts", () => {
  it("belong to the last that took the key, and go back when that is gone", () => {
    const [shell, page] = [vi.fn(), vi.fn()];
    ends.push(shortcut("Escape", "close", shell));
    const end = shortcut("Escape", "close more", page);
    expect(known.value.filter((one) => one.keys === "Escape")).toHaveLength(1);
    press("Escape");
    end();
    press("Escape");
    expect(page).toHaveBeenCalledTimes(1);
    expect(shell).toHaveBeenCalledTimes(1);
  });
  it("close the list of them first", () => {
    const page = vi.fn();
    ends.push(shortcut("Escape", "close", page));
    isHelpShown.value = true;
    press("Escape");
    expect([isHelpShown.value, page.mock.calls.length]).toEqual([false, 0]);
    press("Escape");
    expect(page).toHaveBeenCalledTimes(1);
  });
  it("do nothing while something is typed", () => {
    const act = vi.fn();
    ends.push(shortcut("f", "full screen", act));
    const field = document.createElement("input");
    document.body.append(field);
    press("f", field);
    expect(act).not.toHaveBeenCalled();
    press("f");
    expect(act).toHaveBeenCalledTimes(1);
  });
});
