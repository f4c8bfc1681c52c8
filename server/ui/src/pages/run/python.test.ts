import { expect, test } from "vitest";
import { pythonFor, pythonText } from "./python";

test("a text is written as Python reads it", () => {
  expect(pythonText('a"b\\c\nd\u0000\u2028')).toBe('"a\\"b\\\\c\\nd\\u0000\\u2028"');
});

test("the function that is copied goes by the type", () => {
  const place = { project: "demo/digits", runId: "a", directory: "/data" };
  expect(pythonFor(place, "val/loss", "float_series")).toBe(
    [
      "import runfork",
      "",
      "runfork.fetch_metrics(",
      '    project="demo/digits",',
      '    runs=["a"],',
      '    attributes=["val/loss"],',
      '    directory="/data",',
      ")",
      "",
    ].join("\n"),
  );
  expect(pythonFor({ ...place, directory: null }, "lr", "float")).not.toContain("directory");
  expect(pythonFor(place, "lr", "float")).toContain('.loc["a", "lr"]');
  expect(pythonFor(place, "notes", "string_series")).toContain("fetch_series(");
  expect(pythonFor(place, "model", "file")).toContain(
    'download_files(files=files, destination="files", directory="/data")',
  );
});
