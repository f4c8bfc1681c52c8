import { beforeAll, expect, test, vi } from "vitest";
import { asFlag, asList, asNumber, asText, flush, go, href, keepAddress, oneOf, parameter, place } from "./address";

const filter = parameter("filter", "", asText, "replace");
const mode = parameter("mode", "experiments", oneOf("experiments", "runs"));
const eyes = parameter("eyes", ["auto:5"], asList);

beforeAll(keepAddress);

const back = () =>
  new Promise<void>((resolve) => {
    window.addEventListener("popstate", () => resolve(), { once: true });
    history.back();
  });

test("texts in a list may hold commas", () => {
  const names = ["a,b", "min(val/loss)", "", ",", "c\\"];

  expect(asList.read(asList.write(names))).toEqual(names);
  expect(asList.read("")).toEqual([]);
});

test("what cannot be read is what it was before", () => {
  expect(asNumber.read("x")).toBeUndefined();
  expect(oneOf("a", "b").read("c")).toBeUndefined();
  expect(asFlag.read("1")).toBe(true);
});

test("the view stands in the URL, but for what is as ever", () => {
  go({ page: "table", project: "local/digits" });
  filter.value = "lr < 1 and x";

  expect(location.pathname).toBe("/p/local/digits/table");
  expect(new URLSearchParams(location.search).get("filter")).toBe("lr < 1 and x");

  filter.value = "";
  flush();

  expect(location.search).toBe("");
});

test("what changes with every frame is written now and then, and last of all as it is", async () => {
  const replaced = vi.spyOn(history, "replaceState");
  for (let frame = 0; frame < 100; frame++) filter.value = `frame ${frame}`;
  await vi.waitFor(() => expect(new URLSearchParams(location.search).get("filter")).toBe("frame 99"));

  expect(replaced.mock.calls.length).toBeLessThan(4);

  filter.value = "typed";
  mode.value = "runs";

  expect(new URLSearchParams(location.search).get("filter")).toBe("typed");
  replaced.mockRestore();
  filter.value = "";
  mode.value = "experiments";
  flush();
});

test("nothing drawn is not the same as what is drawn by itself", () => {
  eyes.value = [];

  expect(location.search).toBe("?eyes=");

  eyes.value = ["auto:5"];
});

test("projects of any name have a URL", () => {
  go({ page: "charts", project: "a b/ü%#?" });

  expect(place.value).toEqual({ page: "charts", project: "a b/ü%#?" });
});

test("a link keeps the view, but for what it names", () => {
  mode.value = "runs";

  expect(href({ page: "run", project: "local/digits" }, { run: "a/b" })).toBe(
    "/p/local/digits/run?mode=runs&run=a%2Fb",
  );

  mode.value = "experiments";
});

test("Back returns to the choice before, not to every letter that was typed", async () => {
  go({ page: "table", project: "local/digits" });
  mode.value = "runs";
  filter.value = "l";
  filter.value = "lr";

  await back();

  expect(mode.value).toBe("experiments");
  expect(place.value.page).toBe("table");
});
